package tally;

import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.QoSHandler;
import org.eclipse.jetty.util.Callback;

/**
 * Bounds the requests under way, as a number of workers would: virtual threads know no bound of their own. One beyond it
 * is refused at once with 503, before anything is done for it.
 *
 * <p>Open pages have a bound of their own ({@link Settings.Events}), and whoever asks how the service is gets an answer
 * also when it has too much to do.
 */
final class InFlight extends QoSHandler {

    InFlight(int most) {
        setMaxRequestCount(most);
        // None is kept waiting here: those that wait for Redis do so together, in Visits.
        setMaxSuspendedRequestCount(0);
        excludePath("/api/events", "/health/*", "/metrics");
    }

    @Override
    protected void reject(Request request, Response response, Callback callback, int status) {
        Problems.refuse(response, callback, 503, "Too many requests are under way");
    }
}
