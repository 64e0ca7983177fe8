package tally.live;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import tally.counting.Keys;
import tally.counting.PageName;
import tally.frame.redis.LuaScript;

/**
 * Tells every replica what was counted: what stands in Redis now, at once after a quiet time, and then ten times a
 * second at most.
 *
 * <p>Who looks at a page sees no more than that. Told with each batch, the news would cost more than the count. While
 * Redis is away the news waits; what a process that is killed did not announce is told with the next visit.
 *
 * <p>Thread-safe. Redis: publishes on {@link Keys#CHANNEL}; see announce.lua.
 */
public final class NewsPublisher implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final Duration LAST_CALL = Duration.ofSeconds(2);

    private final LuaScript script;
    private final Keys keys;
    /**
     * Pages with visits that nobody heard of yet, guarded by itself; an empty name for visits without a page. At most
     * as many as there are pages.
     */
    private final Set<String> news = new HashSet<>();

    private final Semaphore noted = new Semaphore(0);
    private final Thread thread = Thread.ofVirtual().name("announcer").unstarted(this::run);
    private volatile boolean closed;
    private boolean failing;

    public NewsPublisher(UnifiedJedis redis, Keys keys) {
        this.keys = keys;
        script = new LuaScript(redis, "/announce.lua");
    }

    public void start() {
        thread.start();
    }

    /** This page has a new count, and so has its site; an empty name says that the total has. */
    public void note(String page) {
        synchronized (news) {
            news.add(page);
            news.add(PageName.siteOf(page));
        }
        noted.release();
    }

    /** Says what is left to say, and no more after that. */
    @Override
    public void close() {
        closed = true;
        noted.release();
        try {
            thread.join(LAST_CALL);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (!closed) {
                noted.acquire();
                noted.drainPermits();
                announce();
                Thread.sleep(PAUSE);
            }
            announce();
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }

    private void announce() {
        List<String> pages;
        synchronized (news) {
            pages = List.copyOf(news);
            news.clear();
        }
        if (pages.isEmpty()) {
            return;
        }
        try {
            script.call(List.of(keys.total(), keys.pages()), pages);
            failing = false;
        } catch (Throwable failure) {
            if (!failing) {
                LOG.warn("Open pages can't be told of visits: {}", failure.getMessage());
                failing = true;
            }
            pages.forEach(this::note);
        }
    }
}
