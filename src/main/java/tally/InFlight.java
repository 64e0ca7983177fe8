package tally;

import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Bounds the requests under way, as a number of workers would: virtual threads know no bound of their own. One beyond it
 * is refused at once with 503, before anything is done for it.
 *
 * <p>Open pages have a bound of their own ({@link Settings.Events}), and whoever asks how the service is gets an answer
 * also when it has too much to do.
 */
final class InFlight extends Handler.Wrapper {

    private static final Set<String> FREE = Set.of("/api/events", "/health", "/health/live", "/metrics");

    private final int most;
    private final AtomicInteger underWay = new AtomicInteger();

    InFlight(int most, Handler handler) {
        super(handler);
        this.most = most;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        if (FREE.contains(request.getHttpURI().getCanonicalPath())) {
            return super.handle(request, response, callback);
        }
        try {
            if (underWay.incrementAndGet() > most) {
                Problems.refuse(response, callback, 503, "Too many requests are under way");
                return true;
            }
            // A route answers before it returns: none hands its request to another thread.
            return super.handle(request, response, callback);
        } finally {
            underWay.decrementAndGet();
        }
    }
}
