package tally.counting;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.metrics.Metrics;
import tally.frame.redis.Deadline;
import tally.frame.redis.RedisSettings;
import tally.frame.redis.Unavailable;

/**
 * Counts visits, each exactly once, with one call to Redis for all that wait (group commit, as a database writes its
 * log).
 *
 * <p>One thread sends. It takes what waits, be it one visit or hundreds, and while Redis works the next gather. So a
 * lone visit waits for nothing, and under load the calls stay few while the batches grow. Numbers are never made up
 * here: a number that was answered is stored.
 *
 * <p>It is a thread of the system: a wait with a deadline, which each call is, costs a virtual one a timer and two more
 * threads (src/docs/decisions.md).
 *
 * <p>A caller gets its number, or {@link Unavailable}, or the failure of the call: that of its own batch, or of the one
 * that it waited for. A batch has the time for which the first of its callers waits, and a visit is sent only while
 * that is half of {@code redis.timeout} at least; Redis counts none that it hears of later. So nobody is told that a
 * visit was not counted which then is, but where an answer is lost on its way. A repeated request id gets the number of
 * the first for 40 seconds at least, also from another process: see visits.lua.
 *
 * <p>Thread-safe. Redis: the total, the pages, the minute, the visitors and the request ids of {@link Keys}.
 */
public final class Visits implements Counting, AutoCloseable {

    /** Stands for a visit in all but the counting; no visit is without an id. */
    private static final Visit TRIAL = new Visit("", "", Caller.NOBODY);

    private static final Numbers NONE = new Numbers(0, 0, 0);

    private final UnifiedJedis redis;
    private final Keys keys;
    private final VisitsScript script;
    private final Duration timeout;
    private final Duration perRequest;
    private final Consumer<String> counted;
    private final DoubleConsumer batches;
    private final BlockingQueue<Waiting> waiting;
    private final Thread sender = Thread.ofPlatform().name("visits").daemon().unstarted(this::sendBatches);
    private volatile boolean closed;

    /**
     * {@code own} is a client that nobody else uses; {@code counted} is told the page of each visit before it is
     * answered.
     */
    public Visits(
            UnifiedJedis redis,
            UnifiedJedis own,
            Keys keys,
            VisitSettings settings,
            CountingSettings counting,
            RedisSettings waits,
            Consumer<String> counted,
            Metrics metrics) {
        this.redis = redis;
        this.keys = keys;
        this.counted = counted;
        batches = metrics.spread(
                "tally_batch_visits", "Visits that shared a call to Redis", 1, 2, 4, 8, 16, 32, 64, 128, 512, 2048);
        script = new VisitsScript(own, keys, settings, counting, waits.timeout());
        timeout = waits.timeout();
        perRequest = waits.perRequest();
        waiting = new LinkedBlockingQueue<>(settings.maxWaiting());
        metrics.gauge("tally_waiting", "Visits that wait for the next call to Redis", waiting::size);
    }

    public void start() {
        sender.start();
    }

    @Override
    public Numbers count(Visit visit) {
        var numbers = join(visit);
        if (numbers.visits() == VisitsScript.NO_ROOM) {
            throw new NoRoom("There is no room for a new page");
        }
        if (numbers.visits() == VisitsScript.TOO_MANY) {
            throw new TooManyNames();
        }
        return numbers;
    }

    /** Does all that a visit would, but counts none; fails as it would. */
    public void tryOut() {
        join(TRIAL);
    }

    private Numbers join(Visit visit) {
        var mine = new Waiting(visit, Deadline.endOr(perRequest), new CompletableFuture<>());
        if (!waiting.offer(mine)) {
            throw new Unavailable("Too many visits wait to be counted");
        }
        if (closed) {
            refuseAll(new Unavailable("This replica is stopping"));
        }
        return mine.await();
    }

    /** Counts no more; who still waits is refused. */
    @Override
    public void close() {
        closed = true;
        sender.interrupt();
        refuseAll(new Unavailable("This replica is stopping"));
    }

    /** The total, without counting. */
    public long total() {
        return StoredCount.count(keys.total(), redis.get(keys.total()));
    }

    /** The visits of a page, or of all pages of a site, without counting; 0 for one that was never visited. */
    public long of(String page) {
        return StoredCount.count(page, redis.zscore(keys.pages(), page));
    }

    private void sendBatches() {
        var batch = new ArrayList<Waiting>();
        while (!closed) {
            try {
                batch.add(waiting.take());
                waiting.drainTo(batch);
                send(batch);
            } catch (InterruptedException stopping) {
                return;
            } finally {
                batch.clear();
            }
        }
    }

    private void send(List<Waiting> batch) {
        long now = System.nanoTime();
        long least = timeout.toNanos() / 2;
        // Also what waited while this process hung.
        batch.removeIf(one -> one.end - now < least
                && one.number.completeExceptionally(new Unavailable("There was no time left to count it")));
        if (batch.isEmpty()) {
            return;
        }
        var time = Duration.ofNanos(
                batch.stream().mapToLong(one -> one.end - now).min().getAsLong());
        batches.accept(batch.size());
        try {
            var visits = batch.stream()
                    .filter(one -> !one.isTrial())
                    .map(Waiting::visit)
                    .toList();
            var numbers = Deadline.within(time, () -> script.count(visits, visits.size() < batch.size()))
                    .iterator();
            for (var one : batch) {
                var number = one.isTrial() ? NONE : numbers.next();
                if (number.visits() >= 0 && !one.isTrial()) {
                    // Before the answer: once every request is answered, all of its news is noted.
                    counted.accept(one.visit.page());
                }
                one.number.complete(number);
            }
        } catch (Throwable failure) {
            // They waited for Redis as well: nobody waits for two calls that fail. Whoever comes later is not refused
            // for it.
            waiting.drainTo(batch);
            batch.forEach(one -> one.number.completeExceptionally(failure));
        }
    }

    private void refuseAll(Throwable reason) {
        var rest = new ArrayList<Waiting>();
        waiting.drainTo(rest);
        rest.forEach(one -> one.number.completeExceptionally(reason));
    }

    /** {@code end} is when its caller waits no longer, in {@link System#nanoTime}. */
    private record Waiting(Visit visit, long end, CompletableFuture<Numbers> number) {
        boolean isTrial() {
            return visit.equals(TRIAL);
        }

        Numbers await() {
            try {
                return number.join();
            } catch (CompletionException failure) {
                throw failure.getCause() instanceof RuntimeException cause ? cause : failure;
            }
        }
    }
}
