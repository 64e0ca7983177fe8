package tally.frame.http;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import tally.frame.redis.Deadline;

/**
 * Bounds the requests under way, as a number of workers would: virtual threads know no bound of their own. One beyond
 * it is refused at once with 503, before anything is done for it. Each has a deadline for all that it asks of Redis.
 *
 * <p>Some addresses are always answered: whoever asks how the service is gets an answer also when it has too much to
 * do.
 */
final class InFlightLimit extends Handler.Wrapper {

    private final int most;
    private final Duration time;
    private final Set<String> alwaysAnswered;
    private final Problems problems;
    private final HangDetector pulse = new HangDetector(System::nanoTime);
    private final AtomicInteger underWay = new AtomicInteger();

    InFlightLimit(int most, Duration time, Set<String> alwaysAnswered, Problems problems, Handler handler) {
        super(handler);
        this.most = most;
        this.time = time;
        this.alwaysAnswered = alwaysAnswered;
        this.problems = problems;
    }

    @Override
    protected void doStart() throws Exception {
        pulse.start();
        super.doStart();
    }

    @Override
    protected void doStop() throws Exception {
        super.doStop();
        pulse.stop();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        if (alwaysAnswered.contains(request.getHttpURI().getCanonicalPath())) {
            return Deadline.within(time, () -> super.handle(request, response, callback));
        }
        if (pulse.isAfterAHang()) {
            // As 502 Nginx takes it to another replica, if anybody still waits for it.
            problems.refuse(
                    request,
                    response,
                    callback,
                    502,
                    "This replica hung, and can't tell new requests from old ones yet");
            return true;
        }
        try {
            if (underWay.incrementAndGet() > most) {
                problems.refuse(request, response, callback, 503, "Too many requests are under way");
                return true;
            }
            // A route answers before it returns: none hands its request to another thread.
            return Deadline.within(time, () -> super.handle(request, response, callback));
        } finally {
            underWay.decrementAndGet();
        }
    }
}
