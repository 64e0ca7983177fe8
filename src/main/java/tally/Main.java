package tally;

import io.javalin.Javalin;
import io.javalin.util.JavalinException;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;

/**
 * Tally from the outside in: the settings are read, Redis is opened, each part is made and handed to those that need it,
 * and all of it is stopped in order. Nothing else here knows this class but for the version.
 */
final class Main {

    /** Of the sources; the image's build writes it here. */
    static final String REVISION = "unknown";

    private final Settings settings;
    private final UnifiedJedis redis;
    private final Health health;
    private final Announcer announcer;
    private final Visits visits;
    private final Events events;
    /** Open to the tests, which ask it for its routes. */
    final Javalin http;

    static void main(String[] arguments) {
        try {
            var layers = Layers.read(List.of(arguments), System.getenv());
            switch (layers.command()) {
                case HELP -> System.out.print(Layers.help());
                case VERSION -> System.out.println("tally " + version() + ", revision " + REVISION);
                case PRINT_CONFIG -> {
                    Settings.of(layers.merged());
                    System.out.print(layers.print());
                }
                case RUN -> run(Settings.of(layers.merged()));
            }
        } catch (Settings.Invalid mistake) {
            System.err.println("tally: " + mistake.getMessage());
            System.exit(2);
        }
    }

    private static void run(Settings settings) {
        setUpProcess(settings);
        var main = new Main(settings, null);
        main.start();
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(main::stop));
    }

    /** What is set for the whole process, and has no effect once a line is logged or a name is looked up. */
    static void setUpProcess(Settings settings) {
        if (settings.debug()) {
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
            // Javalin's log of each request is at this level.
            System.setProperty("org.slf4j.simpleLogger.log.io.javalin", "info");
        }
        // A Redis container that was made anew has another address: the old one is forgotten after a second.
        Security.setProperty("networkaddress.cache.ttl", "1");
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
    }

    /** {@code counter}, where not null, stands in for {@link Visits#count}, to measure counting against other ways. */
    Main(Settings settings, ToLongFunction<Visits.Visit> counter) {
        this.settings = settings;
        var metrics = new Metrics();
        redis = Redis.open(settings.redis(), metrics);
        health = new Health(redis, Optional.ofNullable(System.getenv("HOSTNAME")).orElse("localhost"));
        announcer = new Announcer(redis);
        visits = new Visits(redis, settings.visits(), announcer, metrics);
        events = new Events(settings, visits, metrics);
        var routes = new Routes(settings, counter == null ? visits::count : counter, visits, new Stats(redis),
                new Sessions(redis, settings.session(), metrics), new Cache(redis, settings.cache(), metrics), events, health, metrics);
        http = new Http(settings, metrics).serve(routes::install);
    }

    void start() {
        announcer.start();
        visits.start();
        try {
            http.start();
        } catch (JavalinException taken) {
            throw new Settings.Invalid("port: can't listen on %s:%d: %s".formatted(settings.host(), settings.port(), taken.getMessage()));
        }
        events.start();
        LoggerFactory.getLogger("tally").info("Tally {} answers on http://{}:{}", version(), settings.host(), port());
    }

    int port() {
        return http.port();
    }

    /** Says so in /health, waits, lets open pages go and requests under way finish, and closes Redis last. */
    void stop() {
        var log = LoggerFactory.getLogger("tally");
        log.info("Stopping");
        health.stopping();
        pause(settings.stop().announce());
        events.close();
        try {
            http.stop();
        } catch (JavalinException late) {
            log.warn("Requests were still under way after {}", settings.stop().drain());
        }
        visits.close();
        announcer.close();
        redis.close();
        log.info("Stopped");
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }

    /** From the jar's manifest. */
    static String version() {
        return Optional.ofNullable(Main.class.getPackage().getImplementationVersion()).orElse("dev");
    }
}
