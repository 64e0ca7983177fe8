package tally.dev;

import java.util.List;
import java.util.function.Supplier;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.component.LifeCycle;
import tally.Main;
import tally.Settings;
import tally.frame.config.ConfigLayers;

/**
 * Starts Tally for {@link Reload}, which compiles this class together with the service, so that it is in its package.
 */
public final class DevInstance {

    private DevInstance() {}

    /** Puts that handler in front of the service's own, and gives what stops the service again. */
    public static AutoCloseable start(List<String> flags, Supplier<Handler.Singleton> first) {
        var settings = Settings.of(ConfigLayers.read(flags, System.getenv()).merged());
        Main.setUpProcess(settings);
        var main = new Main(settings);
        var server = main.server();
        server.addEventListener(new Starting(first));
        try {
            main.start();
        } catch (RuntimeException unable) {
            main.stop();
            throw unable;
        }
        return () -> {
            // Whoever came in the last moment is answered yet, before the stop that would cut them off.
            for (var connector : server.getConnectors()) {
                var _ = connector.shutdown();
            }
            Thread.sleep(100);
            main.stop();
        };
    }

    private record Starting(Supplier<Handler.Singleton> first) implements LifeCycle.Listener {
        @Override
        public void lifeCycleStarting(LifeCycle starting) {
            var server = (Server) starting;
            server.insertHandler(first.get());
            // The next one listens on the port before this one leaves it, so that there is always one.
            for (var connector : server.getConnectors()) {
                ((ServerConnector) connector).setReusePort(true);
            }
        }
    }
}
