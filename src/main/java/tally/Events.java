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
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Keeps every open page live: what any replica counts reaches the clients of all as server-sent events.
 *
 * <p>One subscriber for the process hears what {@code visits.lua} publishes, and reads the total anew whenever it
 * (re)subscribes, since nothing is heard in between. News of a tenth of a second go out as one event. Each client has a
 * queue of its own and is written to by the thread of its own request; one whose queue is full is too slow and is let
 * go, and comes back by itself. A quiet client gets a comment every 15 seconds, which is also how one that left is found
 * out.
 *
 * <p>Thread-safe. Redis: subscribes to {@code tally:events}.
 */
final class Events implements AutoCloseable {

    static final String CHANNEL = "tally:events";

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    /** A subscriber that hears nothing is asked for a sign of life; without one for three times as long it starts over. */
    private static final Duration PROD = Duration.ofSeconds(10);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(2);
    private static final int QUEUE = 16;
    private static final String GONE = "";

    private final Settings settings;
    private final Visits visits;
    private final Set<BlockingQueue<String>> clients = ConcurrentHashMap.newKeySet();
    private final AtomicInteger places = new AtomicInteger();
    private final Semaphore news = new Semaphore(0);
    private final Subscriber subscriber = new Subscriber();
    /** News that have not gone out yet, guarded by itself; the total stays for those who come later, -1 before any. */
    private final Map<String, Long> pages = new TreeMap<>();
    private volatile long total = -1;
    private volatile boolean stopped;

    Events(Settings settings, Visits visits, Metrics metrics) {
        this.settings = settings;
        this.visits = visits;
        metrics.gauge("tally_events_clients", "Open pages", places::get);
    }

    void start() {
        Thread.ofVirtual().name("events-subscriber").start(this::subscribe);
        Thread.ofVirtual().name("events-sender").start(this::sendNews);
    }

    /** Answers one client for as long as it stays. */
    void serve(Context context) throws IOException, InterruptedException {
        if (places.incrementAndGet() > settings.events().maxClients() || stopped) {
            places.decrementAndGet();
            throw new Visits.Unavailable(stopped ? "This replica is stopping" : "Too many pages are open; the number is not live for now");
        }
        var queue = new ArrayBlockingQueue<String>(QUEUE);
        try {
            clients.add(queue);
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
                var event = queue.poll(HEARTBEAT.toSeconds(), TimeUnit.SECONDS);
                next = event == null ? ":\n\n" : event;
            }
        } catch (IOException left) {
            LOG.debug("A client left", left);
        } finally {
            clients.remove(queue);
            places.decrementAndGet();
        }
    }

    /** Lets all clients go and hears nothing more. */
    @Override
    public void close() {
        stopped = true;
        subscriber.stop();
        news.release();
        clients.forEach(Events::letGo);
    }

    private void subscribe() {
        var backoff = Duration.ofMillis(50);
        while (!stopped) {
            try (var connection = new Connection(Redis.address(settings.redis()), Redis.config(settings.redis()))) {
                subscriber.proceed(connection, CHANNEL);
            } catch (RuntimeException away) {
                // Also a message that is none of ours: whatever it was, the subscription starts over.
                LOG.debug("Not subscribed", away);
            }
            if (subscriber.heard()) {
                backoff = Duration.ofMillis(50);
            }
            pause(backoff);
            backoff = backoff.multipliedBy(2).compareTo(LONGEST_BACKOFF) < 0 ? backoff.multipliedBy(2) : LONGEST_BACKOFF;
        }
    }

    private void sendNews() {
        while (!stopped) {
            if (!awaitNews()) {
                subscriber.prod();
                continue;
            }
            pause(TICK);
            news.drainPermits();
            String event;
            synchronized (pages) {
                event = event(total, pages);
                pages.clear();
            }
            for (var queue : clients) {
                if (!queue.offer(event)) {
                    letGo(queue);
                }
            }
        }
    }

    /** False after {@link #PROD} without any. */
    private boolean awaitNews() {
        try {
            return news.tryAcquire(PROD.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void letGo(BlockingQueue<String> queue) {
        queue.clear();
        queue.add(GONE);
    }

    private static String event(long total, Map<String, Long> pages) {
        var changed = pages.entrySet().stream().map(page -> "\"" + page.getKey() + "\":" + page.getValue()).collect(Collectors.joining(","));
        return "event: visit\nid: %d\ndata: {\"visits\":%d,\"pages\":{%s}}\n\n".formatted(total, total, changed);
    }

    /** Takes the message of visits.lua: the total, then {@code page=count} for each page, parted by spaces. */
    private void take(String message) {
        var parts = message.split(" ");
        synchronized (pages) {
            // Two batches of two replicas can be heard in one order only, Redis': the last is the newest.
            total = Long.parseLong(parts[0]);
            for (int i = 1; i < parts.length; i++) {
                int equals = parts[i].indexOf('=');
                pages.put(parts[i].substring(0, equals), Long.parseLong(parts[i].substring(equals + 1)));
            }
        }
        news.release();
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Subscriber extends JedisPubSub {
        private volatile boolean heard;

        /** Whether it was subscribed since it was last asked. */
        boolean heard() {
            var before = heard;
            heard = false;
            return before;
        }

        void stop() {
            ifSubscribed(this::unsubscribe);
        }

        void prod() {
            ifSubscribed(this::ping);
        }

        private void ifSubscribed(Runnable command) {
            try {
                if (isSubscribed()) {
                    command.run();
                }
            } catch (JedisException away) {
                LOG.debug("The subscription is gone", away);
            }
        }

        @Override
        public void onSubscribe(String channel, int subscribed) {
            heard = true;
            if (stopped) {
                stop();
                return;
            }
            try {
                take(Long.toString(visits.total()));
            } catch (JedisException away) {
                LOG.debug("No total yet", away);
            }
        }

        @Override
        public void onMessage(String channel, String message) {
            take(message);
        }
    }
}
