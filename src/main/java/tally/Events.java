package tally;

import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.io.EndPoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps every open page live: what any replica counts reaches the clients of all as server-sent events.
 *
 * <p>One subscription for the process hears what {@code announce.lua} publishes, and reads the total anew whenever it
 * (re)subscribes, since nothing is heard in between. News of a tenth of a second go out as one event. Each client has a
 * queue of its own and is written to by the thread of its own request; one whose queue is full is too slow and is cut
 * off, and comes back by itself. A quiet client gets a comment every 15 seconds, which is also how one that left is
 * found out.
 *
 * <p>Thread-safe. Redis: subscribes to {@code tally:events}.
 */
final class Events implements AutoCloseable {

    static final String CHANNEL = "tally:events";

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    /** After so long without news the subscription is asked for a sign of life. */
    private static final Duration QUIET = Duration.ofSeconds(10);
    private static final int QUEUE = 16;
    private static final String GONE = "";

    private final Settings settings;
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final AtomicInteger places = new AtomicInteger();
    private final Semaphore news = new Semaphore(0);
    private final Subscription subscription;
    /** News that have not gone out yet, guarded by itself; the total stays for those who come later, -1 before any. */
    private final Map<String, Long> pages = new TreeMap<>();
    private volatile long total = -1;
    private volatile boolean stopped;

    Events(Settings settings, Visits visits, Metrics metrics) {
        this.settings = settings;
        subscription = new Subscription(settings.redis(), CHANNEL, () -> take(Long.toString(visits.total())), this::take);
        metrics.gauge("tally_events_clients", "Open pages", places::get);
    }

    void start() {
        subscription.start();
        Thread.ofVirtual().name("events-sender").start(this::sendNews);
    }

    /** Answers one client for as long as it stays. */
    void serve(Context context) throws IOException, InterruptedException {
        if (places.incrementAndGet() > settings.events().maxClients() || stopped) {
            places.decrementAndGet();
            throw new Visits.Unavailable(stopped ? "This replica is stopping" : "Too many pages are open; the number is not live for now");
        }
        var client = Client.of(context);
        try {
            clients.add(client);
            if (stopped) {
                return;
            }
            context.contentType("text/event-stream").header("Cache-Control", "no-cache").header("X-Accel-Buffering", "no");
            // Enough for an event: a buffer of the usual 32 KB would stay with every quiet page.
            context.res().setBufferSize(512);
            var out = context.res().getOutputStream();
            var next = "retry: 2000\n\n" + (total < 0 ? "" : event(total, Map.of()));
            while (!next.equals(GONE)) {
                out.write(next.getBytes(StandardCharsets.UTF_8));
                out.flush();
                var event = client.queue.poll(HEARTBEAT.toSeconds(), TimeUnit.SECONDS);
                next = event == null ? ":\n\n" : event;
            }
        } catch (IOException left) {
            LOG.debug("A client left", left);
        } finally {
            clients.remove(client);
            places.decrementAndGet();
        }
    }

    /** Lets all clients go and hears nothing more. */
    @Override
    public void close() {
        stopped = true;
        subscription.close();
        news.release();
        clients.forEach(Client::letGo);
    }

    private void sendNews() {
        while (!stopped) {
            if (!awaitNews()) {
                subscription.prod();
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
        var changed = pages.entrySet().stream().map(page -> "\"" + page.getKey() + "\":" + page.getValue()).collect(Collectors.joining(","));
        return "event: visit\nid: %d\ndata: {\"visits\":%d,\"pages\":{%s}}\n\n".formatted(total, total, changed);
    }

    /** Takes the message of announce.lua: the total, then {@code page=count} for each page, parted by spaces. */
    private void take(String message) {
        var parts = message.split(" ");
        synchronized (pages) {
            // News of two replicas can be heard in one order only, Redis', and each tells what stood there then: the last is the newest.
            total = Long.parseLong(parts[0]);
            for (int i = 1; i < parts.length; i++) {
                int equals = parts[i].indexOf('=');
                pages.put(parts[i].substring(0, equals), Long.parseLong(parts[i].substring(equals + 1)));
            }
        }
        news.release();
    }

    /** One open page: what it has yet to be told, and its connection. */
    private record Client(BlockingQueue<String> queue, EndPoint connection) {

        static Client of(Context context) {
            var request = ServletContextRequest.getServletContextRequest(context.req());
            return new Client(new ArrayBlockingQueue<>(QUEUE), request.getConnectionMetaData().getConnection().getEndPoint());
        }

        /** One that does not read keeps the thread that writes to it waiting: only the end of its connection ends that. */
        void tell(String event) {
            if (!queue.offer(event)) {
                connection.close();
            }
        }

        /** It is told nothing more, and its answer ends in order. */
        void letGo() {
            queue.clear();
            queue.add(GONE);
        }
    }
}
