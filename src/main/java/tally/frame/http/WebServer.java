package tally.frame.http;

import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.staticfiles.JavalinStaticResourceHandler;
import io.javalin.http.staticfiles.Location;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.thread.VirtualThreadPool;
import tally.frame.metrics.Metrics;

/**
 * How HTTP is spoken: threads, limits, static files, and a stop that answers what is under way, for at most {@code
 * drain}. A request has {@code perRequest} for all that it asks of Redis.
 */
public record WebServer(
        HttpSettings settings,
        Duration drain,
        Duration perRequest,
        Set<String> alwaysAnswered,
        Problems problems,
        boolean debug,
        Metrics metrics) {

    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    public Javalin serve(Consumer<RoutesConfig> routes) {
        return Javalin.create(config -> {
            configure(config);
            routes.accept(config.routes);
            problems.install(config.routes);
        });
    }

    private void configure(JavalinConfig config) {
        // Jetty's own takes the least CPU time (src/docs/decisions.md).
        var threads = new VirtualThreadPool();
        // Its usual 200 would keep the rest waiting: InFlightLimit bounds what is under way.
        threads.setMaxConcurrentTasks(-1);
        config.jetty.threadPool = threads;
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        // One address, one spelling: Nginx guards /metrics, and would let /metrics/ through.
        config.router.ignoreTrailingSlashes = false;
        config.http.maxRequestSize = settings.maxBody();
        // Nginx compresses.
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.resourceHandler(new JavalinStaticResourceHandler());
        config.staticFiles.add(files -> {
            files.hostedPath = "/static";
            files.directory = "/public";
            files.location = Location.CLASSPATH;
        });
        config.jetty.modifyServer(server -> {
            server.setStopTimeout(drain.toMillis());
            // In place of Javalin's own, which keeps statistics that nobody reads, and forgets requests under way when
            // it stops.
            server.setHandler(new InFlightLimit(
                    settings.maxInFlight(), perRequest, alwaysAnswered, problems, new GracefulHandler()));
            server.setErrorHandler(problems::refusedByJetty);
        });
        config.jetty.addConnector(this::connector);
        config.requestLogger.http(this::measure);
        if (debug) {
            config.bundledPlugins.enableDevLogging();
        }
    }

    private Connector connector(Server server, HttpConfiguration http) {
        // An address may hold an encoded slash, or letters that nobody encoded. What else is ambiguous is an attempt at
        // something.
        http.setUriCompliance(UriCompliance.DEFAULT.with(
                "names",
                UriCompliance.Violation.AMBIGUOUS_PATH_SEPARATOR,
                UriCompliance.Violation.AMBIGUOUS_PATH_ENCODING,
                UriCompliance.Violation.ILLEGAL_PATH_CHARACTERS));
        // Nginx sends its own.
        http.setSendDateHeader(false);
        var connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        // Java's 50 overflow when Nginx opens some hundred at once, and those beyond would wait a second for another
        // try. The
        // system cuts it to its own net.core.somaxconn, 4096 on Linux: nearly as many as there are open pages.
        connector.setAcceptQueueSize(4096);
        connector.setIdleTimeout(settings.idleTimeout().toMillis());
        return connector;
    }

    private void measure(Context context, float millis) {
        var method =
                METHODS.contains(context.method().name()) ? context.method().name() : "other";
        var endpoint = context.endpoints().lastHttpEndpoint();
        var route = endpoint == null || endpoint.path.isEmpty() ? "none" : named(endpoint.path);
        metrics.request(method, route, context.statusCode(), millis / 1000.0);
    }

    /** As openapi.yaml writes it: Javalin puts a parameter that may hold slashes into angle brackets. */
    private static String named(String path) {
        return path.replace('<', '{').replace('>', '}');
    }
}
