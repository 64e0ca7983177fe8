package tally;

import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.staticfiles.JavalinStaticResourceHandler;
import io.javalin.http.staticfiles.Location;
import java.util.function.Consumer;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.thread.VirtualThreadPool;

/** How HTTP is spoken: threads, limits, static files, and a stop that answers what is under way. */
record Http(Settings settings, Metrics metrics) {

    Javalin serve(Consumer<RoutesConfig> routes) {
        return Javalin.create(config -> {
            configure(config);
            routes.accept(config.routes);
        });
    }

    private void configure(JavalinConfig config) {
        // Jetty's own: 0.95 of the CPU time of Javalin's, 0.95 of that of virtual threads beside a pool for selectors, 0.64 of
        // that of a pool of 200 threads; 1.01, 1.02 and 1.43 times the requests (three alternating rounds, 2026-11-23).
        var threads = new VirtualThreadPool();
        // Its usual 200 would keep the rest waiting: InFlight and Events bound what is under way.
        threads.setMaxConcurrentTasks(-1);
        config.jetty.threadPool = threads;
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.prefer405over404 = true;
        // One address, one spelling: Nginx guards /metrics, and would let /metrics/ through.
        config.router.ignoreTrailingSlashes = false;
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
            // In place of Javalin's own, which keeps statistics that nobody reads, and forgets requests under way when it
            // stops. With Jetty's QoSHandler for InFlight and the statistics: 0.91 of the requests at 1.10 of the CPU time.
            server.setHandler(new InFlight(settings.http().maxInFlight(), new GracefulHandler()));
            server.setErrorHandler(Problems::beforeRoutes);
        });
        config.jetty.addConnector(this::connector);
        config.requestLogger.http(metrics::request);
        if (settings.debug()) {
            config.bundledPlugins.enableDevLogging();
        }
    }

    private Connector connector(Server server, HttpConfiguration http) {
        // Nginx has already made paths plain; what is still ambiguous is an attempt at something.
        http.setUriCompliance(UriCompliance.DEFAULT);
        // Nginx sends its own.
        http.setSendDateHeader(false);
        var connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        // Java's 50 overflow when Nginx opens some hundred at once, and those beyond would wait a second for another try.
        connector.setAcceptQueueSize(1024);
        connector.setIdleTimeout(settings.http().idleTimeout().toMillis());
        return connector;
    }
}
