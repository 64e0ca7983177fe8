package tally.frame.http;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;

/**
 * Logs mistakes of our own with their stack trace, each kind at most once a second: whoever finds one could otherwise
 * fill the log with it, and push out what is worth reading.
 *
 * <p>A kind is the type of the exception and the line that it was thrown at, so that there are as many as the code has.
 *
 * <p>Thread-safe.
 */
final class MistakeLog {

    private static final long PAUSE = TimeUnit.SECONDS.toNanos(1);

    private final Logger log;
    private final ConcurrentHashMap<String, Kind> kinds = new ConcurrentHashMap<>();

    MistakeLog(Logger log) {
        this.log = log;
    }

    void log(String what, Exception mistake) {
        var trace = mistake.getStackTrace();
        var kind = kinds.computeIfAbsent(
                mistake.getClass().getName() + (trace.length == 0 ? "" : trace[0]), any -> new Kind());
        long now = System.nanoTime();
        long next = kind.next.get();
        if (now - next < 0 || !kind.next.compareAndSet(next, now + PAUSE)) {
            kind.silent.incrementAndGet();
            return;
        }
        long silent = kind.silent.getAndSet(0);
        log.error(silent == 0 ? what : what + ", and " + silent + " more like it", mistake);
    }

    private static final class Kind {
        private final AtomicLong next = new AtomicLong(System.nanoTime());
        private final AtomicLong silent = new AtomicLong();
    }
}
