package tally.live;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tally.counting.Keys;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisSettings;
import tally.frame.redis.Unavailable;

/**
 * Keeps every open page live: what any replica counts reaches the clients of all as server-sent events.
 *
 * <p>One subscription for the process hears what {@code announce.lua} publishes, and reads the total anew whenever it
 * (re)subscribes, since nothing is heard in between. News of a tenth of a second go out as one event. Each client has a
 * queue of its own and is written to by the thread of its own request; one whose queue is full is too slow and is cut
 * off, and comes back by itself. A quiet client gets a comment every 15 seconds, which is also how one that left is
 * found out; where a place is wanted and all are taken, it is found out at once.
 *
 * <p>Thread-safe. Redis: subscribes to {@code tally:events}.
 */
public final class EventStream implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    /** After this long without news Redis is pinged: does the subscription still hear? */
    private static final Duration QUIET = Duration.ofSeconds(10);
    /** How long one waits for a place where all are taken. */
    private static final Duration MOMENT = Duration.ofSeconds(1);
    /** One at a time: matched as a whole, news of thousands of pages would be too deep for a thread's stack. */
    private static final Pattern PAGE_NEWS = Pattern.compile("[^ =]{1,768}=[0-9]{1,16}");

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern TOTAL_NEWS = Pattern.compile("[0-9]{1,16}");

    private final Set<OpenPage> clients = ConcurrentHashMap.newKeySet();
    private final Semaphore places;
    /** Held by the one that looks for clients that have left. */
    private final ReentrantLock looking = new ReentrantLock();

    private final Semaphore news = new Semaphore(0);
    private final NewsSubscription subscription;
    /** The counts of pages that have not gone out yet; guarded by itself. */
    private final Map<String, Long> pages = new TreeMap<>();
    /** The newest total, for those who come later; -1 before any is known. */
    private volatile long total = -1;

    private volatile boolean stopped;

    /** {@code counted} reads the total anew. */
    public EventStream(EventSettings settings, RedisSettings redis, LongSupplier counted, Metrics metrics) {
        places = new Semaphore(settings.maxClients());
        subscription =
                new NewsSubscription(redis, Keys.CHANNEL, () -> hear(Long.toString(counted.getAsLong())), this::hear);
        metrics.gauge("tally_events_clients", "Open pages", () -> settings.maxClients() - places.availablePermits());
    }

    public void start() {
        subscription.start();
        Thread.ofVirtual().name("events-sender").start(this::sendNews);
    }

    /** Answers one client for as long as it stays. */
    public void serve(Context context) throws IOException, InterruptedException {
        var hasPlace = takePlace();
        if (!hasPlace || stopped) {
            if (hasPlace) {
                places.release();
            }
            throw new Unavailable(
                    stopped ? "This replica is stopping" : "Too many pages are open; the number is not live for now");
        }
        var client = OpenPage.of(context);
        try {
            clients.add(client);
            if (stopped) {
                return;
            }
            context.contentType("text/event-stream")
                    .header("Cache-Control", "no-cache")
                    .header("X-Accel-Buffering", "no");
            // Enough for an event: a buffer of the usual 32 KB would stay with every quiet page.
            context.res().setBufferSize(512);
            var out = context.res().getOutputStream();
            var next = "retry: 2000\n\n" + (total < 0 ? "" : event(total, Map.of()));
            while (!next.equals(OpenPage.GONE)) {
                out.write(next.getBytes(StandardCharsets.UTF_8));
                out.flush();
                var event = client.queue().poll(HEARTBEAT.toSeconds(), TimeUnit.SECONDS);
                next = event == null ? ":\n\n" : event;
            }
        } catch (IOException left) {
            LOG.debug("A client left", left);
        } finally {
            clients.remove(client);
            places.release();
        }
    }

    /** Where all are taken, those of clients that have left are free in a moment. */
    private boolean takePlace() throws InterruptedException {
        if (places.tryAcquire()) {
            return true;
        }
        if (looking.tryLock()) {
            try {
                clients.forEach(OpenPage::letGoIfItLeft);
            } finally {
                looking.unlock();
            }
        }
        return places.tryAcquire(MOMENT.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Lets all clients go and hears nothing more. */
    @Override
    public void close() {
        stopped = true;
        subscription.close();
        news.release();
        clients.forEach(OpenPage::letGo);
    }

    private void sendNews() {
        while (!stopped) {
            if (!awaitNews()) {
                subscription.ping();
                continue;
            }
            LockSupport.parkNanos(TICK.toNanos());
            news.drainPermits();
            String event;
            synchronized (pages) {
                event = event(total, pages);
                pages.clear();
            }
            clients.forEach(client -> client.tell(event));
        }
    }

    /** False after {@link #QUIET} without any. */
    private boolean awaitNews() {
        try {
            return news.tryAcquire(QUIET.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static String event(long total, Map<String, Long> pages) {
        try {
            return "event: visit\nid: %d\ndata: %s\n\n"
                    .formatted(total, JSON.writeValueAsString(new News(total, pages)));
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException(unwritable);
        }
    }

    /** What an event says, as JSON. */
    private record News(long visits, Map<String, Long> pages) {}

    private static String decoded(String name) {
        return name.replace("%20", " ").replace("%3D", "=").replace("%25", "%");
    }

    /**
     * Hears the message of announce.lua: the total, then {@code name=count} for each page or site, parted by spaces.
     */
    private void hear(String message) {
        var parts = message.split(" ");
        var changed = Arrays.asList(parts).subList(1, parts.length);
        if (!TOTAL_NEWS.matcher(parts[0]).matches()
                || !changed.stream().allMatch(page -> PAGE_NEWS.matcher(page).matches())) {
            LOG.debug("News that are none: {}", message);
            return;
        }
        synchronized (pages) {
            // News of two replicas can be heard in one order only, Redis', and each tells what stood there then: the
            // last is the newest.
            total = Long.parseLong(parts[0]);
            for (var page : changed) {
                int equals = page.indexOf('=');
                pages.put(decoded(page.substring(0, equals)), Long.parseLong(page.substring(equals + 1)));
            }
        }
        news.release();
    }
}
