package tally.frame.redis;

import java.net.SocketTimeoutException;
import java.time.Duration;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** The moment by which some work has to be over, whatever it asks of Redis: its calls share what is left. */
public final class Deadline {

    private static final ScopedValue<Long> END = ScopedValue.newInstance();

    private Deadline() {}

    public static <T, X extends Throwable> T within(Duration time, ScopedValue.CallableOp<T, X> work) throws X {
        return ScopedValue.where(END, System.nanoTime() + time.toNanos()).call(work);
    }

    /** In {@link System#nanoTime}; where there is none, that time from now. */
    public static long endOr(Duration time) {
        return END.isBound() ? END.get() : System.nanoTime() + time.toNanos();
    }

    /**
     * So long a wait may still be, at least a millisecond; one that is over ends the work as a wait for Redis would.
     */
    public static Duration left(Duration most) {
        if (!END.isBound()) {
            return most;
        }
        long millis = (END.get() - System.nanoTime()) / 1_000_000;
        if (millis < 1) {
            throw new JedisConnectionException("No time is left", new SocketTimeoutException());
        }
        return millis < most.toMillis() ? Duration.ofMillis(millis) : most;
    }
}
