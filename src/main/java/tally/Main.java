package tally;

import io.javalin.Javalin;
import io.javalin.util.JavalinException;
import io.javalin.util.JavalinLogger;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.eclipse.jetty.server.Server;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.config.ConfigLayers;
import tally.frame.config.InvalidSetting;
import tally.frame.config.Version;
import tally.frame.http.Health;
import tally.frame.http.Problems;
import tally.frame.http.StandardRoutes;
import tally.frame.http.WebServer;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisClients;
import tally.frame.redis.Rights;

/**
 * Tally from the outside in: the settings are read, Redis is opened, the {@link Service} is made and put behind a web
 * server, and all of it is stopped in order. Nothing else here knows this class.
 *
 * <p>{@link #start} and {@link #stop} are each called once.
 */
public final class Main {

    /** Makes the service of what is there for any. */
    public interface Maker {
        Service make(Settings settings, UnifiedJedis redis, Metrics metrics);
    }

    private final Settings settings;
    private final UnifiedJedis redis;
    private final Service service;
    private final Health health;
    private final Rights rights;
    private final Javalin http;

    static void main(String[] arguments) {
        try {
            var layers = ConfigLayers.read(List.of(arguments), System.getenv());
            switch (layers.command()) {
                case HELP -> System.out.print(ConfigLayers.help());
                case VERSION -> System.out.println("tally " + Version.NUMBER + ", revision " + Version.REVISION);
                case PRINT_CONFIG -> {
                    Settings.of(layers.merged());
                    System.out.print(layers.print());
                }
                case RUN -> run(Settings.of(layers.merged()), layers.notes());
            }
        } catch (InvalidSetting mistake) {
            System.err.println("tally: " + mistake.getMessage());
            System.exit(2);
        }
    }

    private static void run(Settings settings, List<String> notes) {
        setUpProcess(settings);
        notes.forEach(LoggerFactory.getLogger("tally")::warn);
        var main = new Main(settings);
        main.start();
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(main::stop));
    }

    /**
     * Sets what holds for the whole process. Called first: once a line is logged or a name looked up it has no effect.
     */
    public static void setUpProcess(Settings settings) {
        if (settings.debug()) {
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
            // Javalin's log of each request is at this level.
            System.setProperty("org.slf4j.simpleLogger.log.io.javalin", "info");
        }
        // A Redis container that was made anew has another address: the old one is forgotten after a second.
        Security.setProperty("networkaddress.cache.ttl", "1");
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
    }

    public Main(Settings settings) {
        this(settings, Service::new);
    }

    /** With a service that was made in another way. */
    public Main(Settings settings, Maker maker) {
        this.settings = settings;
        var metrics = new Metrics();
        redis = RedisClients.open(settings.redis(), metrics);
        service = maker.make(settings, redis, metrics);
        rights = new Rights(redis, service::oneKeyOfEach, settings.redis().user());
        health = new Health(
                redis,
                service::tryOut,
                Optional.ofNullable(System.getenv("HOSTNAME")).orElse("localhost"));
        var standard = new StandardRoutes(health, metrics, service::isAnswered, service::wantsBody);
        var problems = new Problems(Service.ERRORS);
        http = new WebServer(
                        settings.http(),
                        settings.stop().drain(),
                        settings.redis().perRequest(),
                        service.alwaysAnswered(),
                        problems,
                        settings.debug(),
                        metrics)
                .serve(routes -> {
                    standard.install(routes);
                    service.install(routes, problems);
                });
    }

    public void start() {
        service.start();
        try {
            quietly(http::start);
        } catch (JavalinException taken) {
            throw new InvalidSetting("port: can't listen on %s:%d: %s"
                    .formatted(settings.http().host(), settings.http().port(), taken.getMessage()));
        }
        rights.start();
        LoggerFactory.getLogger("tally")
                .info(
                        "Tally {} answers on http://{}:{}",
                        Version.NUMBER,
                        settings.http().host(),
                        port());
    }

    public int port() {
        return http.port();
    }

    /** Every route, as {@code GET /health}. */
    public List<String> routes() {
        return http.unsafe.internalRouter.allHttpHandlers().stream()
                .map(route -> route.endpoint)
                .filter(route -> route.method.isHttpMethod())
                .map(route -> route.method.name() + " " + route.path)
                .toList();
    }

    /** What listens: for who puts something in front of it, or looks into it. */
    public Server server() {
        return http.jettyServer().server();
    }

    /** Stops in order: announce it in /health, wait, let endless answers go, finish what is under way, close Redis. */
    public void stop() {
        var log = LoggerFactory.getLogger("tally");
        log.info("Stopping");
        health.stopping();
        rights.close();
        pause(settings.stop().announce());
        service.letGo();
        try {
            quietly(http::stop);
        } catch (JavalinException late) {
            log.warn("Requests were still under way after {}", settings.stop().drain());
        }
        service.close();
        redis.close();
        log.info("Stopped");
    }

    /** Javalin logs with a stack trace what it then throws, and what is said in a line here. */
    private static void quietly(Runnable work) {
        JavalinLogger.enabled = false;
        try {
            work.run();
        } finally {
            JavalinLogger.enabled = true;
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }
}
