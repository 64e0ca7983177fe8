package tally;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.SetParams;

/**
 * Cache-aside over Redis, for values that are costly to make and may be a little old.
 *
 * <p>A key has one loader at a time: within this process the others wait for its result; among the replicas a short lock
 * in Redis decides, and those without it take the stale value while there is one, else wait briefly for the new. A cache
 * whose Redis refuses is as one that is empty: the value is loaded.
 *
 * <p>Thread-safe. Redis: {@code tally:cache:<key>}, JSON, for {@code cache.ttl} and then {@code cache.stale};
 * {@code tally:cache:<key>:lock}, the loader's token, for 2 s.
 */
final class Cache {

    enum State { HIT, MISS, STALE }

    /** {@code json} is the value as it was stored. */
    record Cached(String json, State state) {}

    private static final Logger LOG = LoggerFactory.getLogger("tally.cache");
    private static final Duration LOCK = Duration.ofSeconds(2);
    private static final Duration WAIT = Duration.ofMillis(1000);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final UnifiedJedis redis;
    private final Settings.Cache settings;
    private final Metrics metrics;
    private final Script unlock;
    private final ObjectMapper json = new ObjectMapper();
    private final ConcurrentHashMap<String, CompletableFuture<Cached>> underWay = new ConcurrentHashMap<>();

    Cache(UnifiedJedis redis, Settings.Cache settings, Metrics metrics) {
        this.redis = redis;
        this.settings = settings;
        this.metrics = metrics;
        unlock = new Script(redis, "/unlock.lua");
    }

    /** The cached value of the key, or what the loader makes; only the loader's own failure is one. */
    Cached get(String key, Supplier<?> loader) {
        var mine = new CompletableFuture<Cached>();
        var others = underWay.putIfAbsent(key, mine);
        if (others != null) {
            var shared = join(others);
            metrics.cacheRead(shared.state());
            return shared;
        }
        try {
            var found = find("tally:cache:" + key, loader);
            metrics.cacheRead(found.state());
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
                var entry = read(key);
                if (entry != null && entry.state() == State.HIT) {
                    return entry;
                }
                var token = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
                if (redis.set(key + ":lock", token, SetParams.setParams().nx().px(LOCK.toMillis())) != null) {
                    return load(key, token, loader);
                }
                if (entry != null) {
                    return entry;
                }
                Thread.sleep(PAUSE);
            } while (System.nanoTime() < end);
        } catch (JedisDataException failed) {
            // One that can't be reached would fail the loader as well, a timeout later.
            LOG.debug("The cache failed", failed);
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
        return new Cached(text(loader.get()), State.MISS);
    }

    /** With the lock; it may have come free because the value has just been stored. */
    private Cached load(String key, String token, Supplier<?> loader) {
        try {
            var entry = read(key);
            if (entry != null && entry.state() == State.HIT) {
                return entry;
            }
            var value = text(loader.get());
            long fresh = settings.ttl().toMillis();
            redis.set(key, "{\"freshUntil\":" + (System.currentTimeMillis() + fresh) + ",\"value\":" + value + "}",
                    SetParams.setParams().px(fresh + settings.stale().toMillis()));
            return new Cached(value, State.MISS);
        } catch (JedisConnectionException away) {
            // The lock ends by itself: asking again would only wait again.
            token = "";
            throw away;
        } finally {
            if (!token.isEmpty()) {
                unlock.call(List.of(key + ":lock"), List.of(token));
            }
        }
    }

    /** What is stored under the key, as HIT while it is fresh and as STALE from then on; null for none, or what is not ours. */
    private Cached read(String key) {
        var stored = redis.get(key);
        try {
            JsonNode entry = stored == null ? null : json.readTree(stored);
            if (entry == null || !entry.hasNonNull("value")) {
                return null;
            }
            var fresh = entry.path("freshUntil").asLong() > System.currentTimeMillis();
            return new Cached(entry.required("value").toString(), fresh ? State.HIT : State.STALE);
        } catch (JsonProcessingException foreign) {
            return null;
        }
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
