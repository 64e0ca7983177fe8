package tally;

import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.javalin.http.staticfiles.JavalinStaticResourceHandler;
import io.javalin.http.staticfiles.Location;
import io.javalin.util.JavalinException;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;

/**
 * Tally from the outside in: the settings are read, Redis is opened, the routes are wired, and all of it is stopped in
 * order. Everything else is made here and knows nothing of this.
 */
final class Main {

    private static final Pattern PAGE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private final Settings settings;
    private final UnifiedJedis redis;
    private final Health health;
    private final Visits visits;
    private final Stats stats;
    private final ToLongFunction<Visits.Visit> counter;
    private final Page page = new Page();
    private final Javalin http;

    static void main(String[] arguments) {
        try {
            var layers = Layers.read(List.of(arguments), System.getenv());
            switch (layers.command()) {
                case HELP -> System.out.print(Layers.help());
                case VERSION -> System.out.println("tally " + version());
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
        if (settings.debug()) {
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
        }
        // A Redis container that was made anew has another address: the old one is forgotten after a second.
        Security.setProperty("networkaddress.cache.ttl", "1");
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
        var main = new Main(settings);
        main.start();
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(main::stop));
    }

    Main(Settings settings) {
        this(settings, null);
    }

    /** {@code counter} stands in for {@link Visits#count}, so that the cost of counting can be measured against others. */
    Main(Settings settings, ToLongFunction<Visits.Visit> counter) {
        this.settings = settings;
        redis = Redis.open(settings.redis());
        visits = new Visits(redis, settings.visits());
        stats = new Stats(redis);
        this.counter = counter == null ? visits::count : counter;
        health = new Health(redis, Optional.ofNullable(System.getenv("HOSTNAME")).orElse("localhost"));
        http = Javalin.create(this::configure);
    }

    private void routes(RoutesConfig routes) {
        routes.before(Main::refuseMethodOverride);
        routes.get("/", this::visit);
        routes.get("/health", context -> {
            var report = health.report();
            fresh(context).status(report.isUp() ? 200 : 503).json(report);
        });
        routes.get("/health/live", context -> fresh(context).json(Map.of("status", "up")));
        routes.get("/api/visits", context -> fresh(context).json(new Total(visits.total())));
        routes.get("/api/visits/{page}", context -> fresh(context).json(new OfPage(page(context), visits.of(page(context)))));
        routes.post("/api/visits/{page}", context -> fresh(context).json(new OfPage(page(context), count(context, page(context)))));
        routes.get("/badge/total.svg", context -> badge(context, visits.total()));
        routes.get("/badge/{page}.svg", context -> badge(context, visits.of(page(context))));
        routes.get("/api/stats", context -> fresh(context).json(stats.read()));
        Problems.install(routes);
    }

    private record Counted(String message, long visits) {}

    private record Total(long visits) {}

    private record OfPage(String page, long visits) {}

    private void visit(Context context) {
        long number = count(context, "");
        fresh(context).header("Vary", "Accept");
        if (Page.isPreferred(context)) {
            context.html(page.with(number));
        } else {
            context.json(new Counted(settings.message(), number));
        }
    }

    private long count(Context context, String page) {
        return counter.applyAsLong(new Visits.Visit(requestId(context), page, ""));
    }

    private static void badge(Context context, long visits) {
        var badge = Badge.of(context.queryParam("label"), context.queryParam("color"));
        var etag = "\"" + visits + "-" + version() + "\"";
        context.header("Cache-Control", "public, max-age=5").header("ETag", etag);
        if (etag.equals(context.header("If-None-Match"))) {
            context.status(HttpStatus.NOT_MODIFIED);
        } else {
            context.contentType("image/svg+xml").result(badge.with(visits));
        }
    }

    private static Context fresh(Context context) {
        return context.header("Cache-Control", "no-store");
    }

    private static String page(Context context) {
        var name = context.pathParam("page");
        if (!PAGE_NAME.matcher(name).matches() || name.equals("total")) {
            throw new BadRequestResponse("A page name is 1 to 64 letters, digits, dots, dashes and underscores, begins with a letter or "
                    + "digit, and is not total");
        }
        return name;
    }

    private static String requestId(Context context) {
        var id = context.header("X-Request-Id");
        if (id != null && !REQUEST_ID.matcher(id).matches()) {
            throw new BadRequestResponse("X-Request-Id must be 1 to 128 letters, digits, dots, dashes or underscores");
        }
        return id == null ? "" : id;
    }

    /** Javalin would take the header's method for the request's own, so that a GET could write. */
    private static void refuseMethodOverride(Context context) {
        if (context.header("X-HTTP-Method-Override") != null) {
            throw new BadRequestResponse("X-HTTP-Method-Override is not supported");
        }
    }

    private void configure(JavalinConfig config) {
        config.concurrency.useVirtualThreads = true;
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        config.http.maxRequestSize = settings.http().maxBody();
        // Nginx compresses.
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.resourceHandler(new JavalinStaticResourceHandler());
        config.staticFiles.add(files -> {
            files.hostedPath = "/static";
            files.directory = "/public";
            files.location = Location.CLASSPATH;
        });
        config.jetty.modifyServer(server -> {
            server.setStopTimeout(settings.stop().drain().toMillis());
            // Javalin's own server forgets requests under way when it stops.
            server.insertHandler(new GracefulHandler());
            server.setErrorHandler(Problems::beforeRoutes);
        });
        config.jetty.addConnector(this::connector);
        if (settings.debug()) {
            config.requestLogger.http((context, millis) -> LoggerFactory.getLogger("tally.requests")
                    .debug("{} {} {} in {} ms", context.method(), context.path(), context.statusCode(), millis));
        }
        routes(config.routes);
    }

    private Connector connector(Server server, HttpConfiguration http) {
        // Nginx has already made paths plain; what is still ambiguous is an attempt at something.
        http.setUriCompliance(UriCompliance.DEFAULT);
        var connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setIdleTimeout(settings.http().idleTimeout().toMillis());
        return connector;
    }

    void start() {
        try {
            http.start();
        } catch (JavalinException taken) {
            throw new Settings.Invalid("port: can't listen on %s:%d: %s".formatted(settings.host(), settings.port(), taken.getMessage()));
        }
        LoggerFactory.getLogger("tally").info("Tally {} answers on http://{}:{}", version(), settings.host(), port());
    }

    int port() {
        return http.port();
    }

    /** Says so in /health, waits, lets the requests under way finish, and closes Redis last. */
    void stop() {
        var log = LoggerFactory.getLogger("tally");
        log.info("Stopping");
        health.stopping();
        pause(settings.stop().announce());
        try {
            http.stop();
        } catch (JavalinException late) {
            log.warn("Requests were still under way after {}", settings.stop().drain());
        }
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
