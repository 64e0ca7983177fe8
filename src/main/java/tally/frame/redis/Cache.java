package tally.frame.redis;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.SetParams;
import tally.frame.metrics.Metrics;

/**
 * Cache-aside over Redis, for values that are costly to make and may be a little old.
 *
 * <p>A key has one loader at a time: within this process the others wait for its result; among the replicas a short
 * lock in Redis decides, and those without it take the stale value while there is one, else wait briefly for the new.
 * If Redis refuses, the cache behaves as if it were empty: the value is loaded. All times are by Redis' clock, never by
 * this process' own: see cached.lua.
 *
 * <p>Thread-safe. Redis: under the key that it is given for a value, a JSON object of {@code value}; under that key
 * with {@code :lock} at its end, the loader's token.
 */
public final class Cache {

    public enum State {
        HIT,
        MISS,
        STALE
    }

    /** {@code json} is the value as it was stored. */
    public record Cached(String json, State state) {}

    private static final Logger LOG = LoggerFactory.getLogger("tally.cache");
    private static final Duration LOCK = Duration.ofSeconds(2);
    private static final Duration WAIT = Duration.ofSeconds(1);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final UnifiedJedis redis;
    private final UnaryOperator<String> keyOf;
    private final CacheSettings settings;
    private final Consumer<String> reads;
    private final LuaScript look;
    private final LuaScript unlock;
    private final ObjectMapper json = new ObjectMapper();
    private final ConcurrentHashMap<String, CompletableFuture<Cached>> underWay = new ConcurrentHashMap<>();

    /** {@code keyOf} makes the name of a value into its key in Redis. */
    public Cache(UnifiedJedis redis, UnaryOperator<String> keyOf, CacheSettings settings, Metrics metrics) {
        this.redis = redis;
        this.keyOf = keyOf;
        this.settings = settings;
        reads = metrics.events("tally_cache_reads", "Reads of the cache", "state");
        look = new LuaScript(redis, "/cached.lua");
        unlock = new LuaScript(redis, "/unlock.lua");
    }

    /** The cached value of the key, or what the loader makes; only the loader's own failure is one. */
    public Cached get(String key, Supplier<?> loader) {
        var mine = new CompletableFuture<Cached>();
        var others = underWay.putIfAbsent(key, mine);
        if (others != null) {
            var shared = join(others);
            reads.accept(shared.state().name());
            return shared;
        }
        try {
            var found = find(key, loader);
            reads.accept(found.state().name());
            mine.complete(found);
        } catch (Throwable failure) {
            mine.completeExceptionally(failure);
        } finally {
            underWay.remove(key);
        }
        return join(mine);
    }

    private Cached find(String key, Supplier<?> loader) {
        try {
            long end = System.nanoTime() + WAIT.toNanos();
            do {
                var token =
                        HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
                var found = (List<?>) look.call(
                        List.of(keyOf.apply(key), lockOf(key)),
                        List.of(
                                Long.toString(settings.ttl().toMillis()),
                                Long.toString(settings.stale().toMillis()),
                                token,
                                Long.toString(LOCK.toMillis())));
                var value = value((String) found.getFirst());
                var state = (String) found.getLast();
                switch (state) {
                    case "LOAD" -> {
                        return load(key, token, loader);
                    }
                    case "WAIT" -> Thread.sleep(PAUSE);
                    default -> {
                        return value == null ? load(key, "", loader) : new Cached(value, State.valueOf(state));
                    }
                }
            } while (System.nanoTime() < end);
        } catch (JedisDataException failed) {
            // One that can't be reached would fail the loader as well, a timeout later.
            LOG.debug("The cache failed", failed);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
        return new Cached(text(loader.get()), State.MISS);
    }

    /** Makes it, stores it, and gives the lock back. */
    private Cached load(String key, String token, Supplier<?> loader) {
        try {
            var value = text(loader.get());
            long lives = Math.max(1, settings.ttl().plus(settings.stale()).toMillis());
            redis.set(
                    keyOf.apply(key),
                    "{\"value\":" + value + "}",
                    SetParams.setParams().px(lives));
            return new Cached(value, State.MISS);
        } catch (JedisConnectionException away) {
            // The lock ends by itself: asking again would only wait again.
            token = "";
            throw away;
        } finally {
            if (!token.isEmpty()) {
                unlock.call(List.of(lockOf(key)), List.of(token));
            }
        }
    }

    /** The value that is stored in it; null for none, or what is not ours. */
    private @Nullable String value(String stored) {
        try {
            var value = json.readTree(stored).path("value");
            return value.isMissingNode() || value.isNull() ? null : value.toString();
        } catch (JsonProcessingException foreign) {
            return null;
        }
    }

    private String lockOf(String key) {
        return keyOf.apply(key) + ":lock";
    }

    private String text(Object value) {
        try {
            return json.writeValueAsString(value);
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException(unwritable);
        }
    }

    private static Cached join(CompletableFuture<Cached> result) {
        try {
            return result.join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof RuntimeException cause ? cause : failure;
        }
    }
}
