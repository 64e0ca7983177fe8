package tally;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import redis.clients.jedis.UnifiedJedis;

/**
 * Counts visits, each exactly once, with one call to Redis for all requests that wait (group commit, as a database log
 * does it).
 *
 * <p>A request that finds no call under way sends its own at once, in its own thread; those that come meanwhile gather
 * in the open batch, which goes out as soon as the answer is back. So a lone request waits for nothing, and under load
 * the calls stay few while the batches grow. Numbers are never made up here: a number that was answered is stored.
 *
 * <p>A caller gets its number, or {@link Unavailable} after at most {@link #DEADLINE} of waiting in the open batch. A
 * repeated request id gets the number of the first within 15 seconds, also from another process: see visits.lua.
 *
 * <p>Thread-safe. Redis: {@code visit_count}, {@code tally:pages}, {@code tally:minute:<epoch minute>} for 2 h,
 * {@code tally:visitors:<yyyy-mm-dd>} for 8 days, {@code tally:seen:<epoch seconds / 15>} for 30 s; each batch is
 * published once on {@code tally:events}.
 */
final class Visits {

    static final String TOTAL = "visit_count";
    static final String PAGES = "tally:pages";
    static final String MINUTE = "tally:minute:";
    static final String VISITORS = "tally:visitors:";

    private static final Duration DEADLINE = Duration.ofMillis(1900);

    /** A visit to be counted; each part is empty where there is none. */
    record Visit(String requestId, String page, String visitor) {}

    private final UnifiedJedis redis;
    private final Script script;
    private final Settings.Visits settings;
    private final Metrics metrics;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Batch open = new Batch();
    private boolean underWay;

    Visits(UnifiedJedis redis, Settings.Visits settings, Metrics metrics) {
        this.redis = redis;
        this.metrics = metrics;
        script = new Script(redis, "/visits.lua");
        this.settings = settings;
        metrics.gauge("tally_waiting", "Visits that wait for the next call to Redis", () -> open.visits.size());
    }

    /** Counts the visit and returns its number: the page's for a visit with a page, else the total. */
    long count(Visit visit) {
        Batch batch;
        int place;
        boolean first;
        lock.lock();
        try {
            batch = open;
            if (batch.visits.size() >= settings.maxWaiting()) {
                throw new Unavailable("Too many visits wait to be counted");
            }
            place = batch.visits.size();
            batch.visits.add(visit);
            first = !underWay;
            if (first) {
                underWay = true;
                open = new Batch();
            }
        } finally {
            lock.unlock();
        }
        if (first) {
            send(batch);
            handOver();
        } else if (place == 0) {
            batch.numbers.orTimeout(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        }
        return batch.number(place);
    }

    /** The total, without counting. */
    long total() {
        var total = redis.get(TOTAL);
        return total == null ? 0 : Long.parseLong(total);
    }

    /** The visits of a page, without counting; 0 for one that was never visited. */
    long of(String page) {
        var visits = redis.zscore(PAGES, page);
        return visits == null ? 0 : visits.longValue();
    }

    /** Leaves what gathered meanwhile to a thread of its own, so that the caller can answer. */
    private void handOver() {
        if (nextBatch() instanceof Batch batch) {
            Thread.startVirtualThread(() -> {
                for (var next = batch; next != null; next = nextBatch()) {
                    send(next);
                }
            });
        }
    }

    /** The open batch, closed now; or null, and nothing is under way any more. */
    private Batch nextBatch() {
        lock.lock();
        try {
            if (open.visits.isEmpty()) {
                underWay = false;
                return null;
            }
            var batch = open;
            open = new Batch();
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private void send(Batch batch) {
        // Its callers have been told that they were not counted: so they are not.
        if (batch.numbers.isDone()) {
            return;
        }
        try {
            metrics.batch(batch.visits.size());
            batch.numbers.complete(call(batch.visits));
        } catch (Throwable failure) {
            batch.numbers.completeExceptionally(failure);
        }
    }

    private List<?> call(List<Visit> visits) {
        var now = Instant.now();
        var keys = List.of(TOTAL, PAGES, MINUTE + now.getEpochSecond() / 60, VISITORS + LocalDate.ofInstant(now, ZoneOffset.UTC));
        var arguments = new ArrayList<String>(1 + 3 * visits.size());
        arguments.add(Integer.toString(settings.maxPages()));
        for (var visit : visits) {
            arguments.add(visit.requestId());
            arguments.add(visit.page());
            arguments.add(visit.visitor());
        }
        return (List<?>) script.call(keys, arguments);
    }

    private static final class Batch {
        /** Guarded by the lock while the batch is open; fixed from then on. */
        final List<Visit> visits = new ArrayList<>();
        final CompletableFuture<List<?>> numbers = new CompletableFuture<>();

        long number(int place) {
            try {
                var number = (Long) numbers.join().get(place);
                if (number < 0) {
                    throw new NoRoom("There is no room for a new page");
                }
                return number;
            } catch (CompletionException failure) {
                throw switch (failure.getCause()) {
                    case TimeoutException late -> new Unavailable("Redis did not answer in time");
                    case RuntimeException cause -> cause;
                    default -> failure;
                };
            }
        }
    }

    /** The visit could not be counted now; it may be sent again. */
    static final class Unavailable extends RuntimeException {
        private static final long serialVersionUID = 1;

        Unavailable(String message) {
            super(message, null, false, false);
        }
    }

    /** The page is new, and there are {@link Settings.Visits#maxPages} already. */
    static final class NoRoom extends RuntimeException {
        private static final long serialVersionUID = 1;

        NoRoom(String message) {
            super(message, null, false, false);
        }
    }
}
