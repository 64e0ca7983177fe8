package tally.frame.http;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Notices that this process hung, and so may hold requests that were given up long ago: they lie unread in its
 * connections, and look like new ones. Nginx has asked another replica meanwhile, under the same id, which is not
 * remembered for ever.
 *
 * <p>Thread-safe.
 */
public final class HangDetector {

    /** Together with the waits of nginx.conf less than the time for which a request is known by its name. */
    static final Duration HUNG = Duration.ofSeconds(10);
    /** So long it takes at most to read what came meanwhile. */
    private static final Duration AFTERWARDS = Duration.ofSeconds(1);

    private static final Duration BEAT = Duration.ofMillis(500);

    private final LongSupplier clock;
    private volatile long last;
    private volatile long recovered;
    private volatile boolean stopped;

    /** {@code clock} is {@link System#nanoTime}, or one that a test sets. */
    HangDetector(LongSupplier clock) {
        this.clock = clock;
        last = clock.getAsLong();
        recovered = last;
    }

    void start() {
        Thread.ofPlatform().name("pulse").daemon().start(this::run);
    }

    void stop() {
        stopped = true;
    }

    /** What comes now may be from before. */
    boolean isAfterAHang() {
        long now = clock.getAsLong();
        return now - last > HUNG.toNanos() || now - recovered < 0;
    }

    private void run() {
        while (!stopped) {
            LockSupport.parkNanos(BEAT.toNanos());
            beat();
        }
    }

    void beat() {
        long now = clock.getAsLong();
        if (now - last > HUNG.toNanos()) {
            recovered = now + AFTERWARDS.toNanos();
        }
        last = now;
    }
}
