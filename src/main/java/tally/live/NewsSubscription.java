package tally.live;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.exceptions.JedisException;
import tally.frame.redis.ConnectionConfig;
import tally.frame.redis.RedisSettings;

/**
 * Hears one channel of Redis, over a connection of its own, for as long as it is not closed.
 *
 * <p>A connection that is lost is made anew, at first at once and then ever less often, at least every two seconds.
 * What is published meanwhile is not heard: {@code subscribed} is called each time that it hears again, to catch up. A
 * connection that only seems to be there ends 30 seconds after an unanswered {@link #ping}.
 *
 * <p>Thread-safe; both callbacks come from one thread, one after the other.
 */
final class NewsSubscription implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(50);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(2);

    private final RedisSettings settings;
    private final String channel;
    private final Runnable subscribed;
    private final Consumer<String> heard;
    private final Listener listener = new Listener();
    private volatile boolean closed;

    NewsSubscription(RedisSettings settings, String channel, Runnable subscribed, Consumer<String> heard) {
        this.settings = settings;
        this.channel = channel;
        this.subscribed = subscribed;
        this.heard = heard;
    }

    void start() {
        // A thread of the system, as in Visits (src/docs/decisions.md).
        Thread.ofPlatform().name("subscription").daemon().start(this::listen);
    }

    /** Asks Redis for a sign of life, where there is a connection. */
    void ping() {
        listener.ifSubscribed(listener::ping);
    }

    @Override
    public void close() {
        closed = true;
        listener.ifSubscribed(listener::unsubscribe);
    }

    private void listen() {
        var backoff = FIRST_BACKOFF;
        while (!closed) {
            listener.worked = false;
            try (var connection = new Connection(ConnectionConfig.address(settings), ConnectionConfig.of(settings))) {
                listener.proceed(connection, channel);
            } catch (RuntimeException away) {
                // Also a message that is none of ours: whatever it was, the subscription starts over.
                LOG.debug("Not subscribed", away);
            }
            var doubled = backoff.multipliedBy(2);
            backoff = listener.worked
                    ? FIRST_BACKOFF
                    : doubled.compareTo(LONGEST_BACKOFF) < 0 ? doubled : LONGEST_BACKOFF;
            LockSupport.parkNanos(backoff.toNanos());
        }
    }

    private final class Listener extends JedisPubSub {
        private boolean worked;

        void ifSubscribed(Runnable command) {
            try {
                if (isSubscribed()) {
                    command.run();
                }
            } catch (JedisException away) {
                LOG.debug("The subscription is gone", away);
            }
        }

        @Override
        public void onSubscribe(String channel, int channels) {
            worked = true;
            if (closed) {
                unsubscribe();
                return;
            }
            try {
                subscribed.run();
            } catch (JedisException away) {
                LOG.debug("Could not catch up", away);
            }
        }

        @Override
        public void onMessage(String channel, String message) {
            heard.accept(message);
        }
    }
}
