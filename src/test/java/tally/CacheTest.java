package tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.UnifiedJedis;

class CacheTest {

    private final UnifiedJedis redis = Redis.open(redisSettings(), new Metrics());

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @AfterEach
    void close() {
        redis.close();
    }

    @Test
    void theStatisticsAreMadeOnceAndServedFromTheCache() {
        try (var one = Service.start("--cache-ttl", "1m"); var two = Service.start("--cache-ttl", "1m")) {
            var made = one.get("/api/stats");
            assertThat(made.header("X-Cache")).isEqualTo("MISS");
            assertThat(made.header("Cache-Control")).contains("max-age=1");
            var cached = two.get("/api/stats");
            assertThat(cached.header("X-Cache")).isEqualTo("HIT");
            assertThat(cached.body()).isEqualTo(made.body());
            var unchanged = two.get("/api/stats", "If-None-Match", made.header("ETag"));
            assertThat(unchanged.status()).isEqualTo(304);
            assertThat(unchanged.body()).isEmpty();
        }
    }

    @Test
    void aThousandAtOnceOnTwoReplicasRunTheLoaderOnce() throws Exception {
        var one = new Cache(redis, new Settings.Cache(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        var two = new Cache(redis, new Settings.Cache(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        var loads = new AtomicInteger();
        var ready = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Cache.Cached>>();
            for (int i = 0; i < 1000; i++) {
                var cache = i % 2 == 0 ? one : two;
                answers.add(threads.submit(() -> {
                    ready.await();
                    return cache.get("slow", () -> {
                        Eventually.pause();
                        return loads.incrementAndGet();
                    });
                }));
            }
            ready.countDown();
            for (var answer : answers) {
                assertThat(answer.get().json()).isEqualTo("1");
            }
        }
        assertThat(loads).hasValue(1);
    }

    @Test
    void whileOneMakesItAnewTheOthersGetTheStaleValue() throws Exception {
        var one = new Cache(redis, new Settings.Cache(Duration.ZERO, Duration.ofMinutes(1)), new Metrics());
        var two = new Cache(redis, new Settings.Cache(Duration.ZERO, Duration.ofMinutes(1)), new Metrics());
        one.get("key", () -> "old");
        var loading = new CountDownLatch(1);
        var finish = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var fresh = threads.submit(() -> one.get("key", () -> {
                loading.countDown();
                awaitQuietly(finish);
                return "new";
            }));
            loading.await();
            var stale = two.get("key", () -> "never");
            assertThat(stale).isEqualTo(new Cache.Cached("\"old\"", Cache.State.STALE));
            finish.countDown();
            assertThat(fresh.get()).isEqualTo(new Cache.Cached("\"new\"", Cache.State.MISS));
        }
    }

    @Test
    void aLoaderThatFailsGivesItsLockBackAndTheNextTriesAgain() {
        var cache = new Cache(redis, new Settings.Cache(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        assertThatThrownBy(() -> cache.get("key", () -> {
            throw new IllegalStateException("broken");
        })).hasMessage("broken");
        assertThat(cache.get("key", () -> "whole").json()).isEqualTo("\"whole\"");
    }

    @Test
    void aCacheThatFailsIsAsAnEmptyOne() {
        redis.lpush("tally:cache:key", "of another type");
        var cache = new Cache(redis, new Settings.Cache(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        assertThat(cache.get("key", () -> "value")).isEqualTo(new Cache.Cached("\"value\"", Cache.State.MISS));
        redis.set("tally:cache:other", "not JSON");
        assertThat(cache.get("other", () -> "value")).isEqualTo(new Cache.Cached("\"value\"", Cache.State.MISS));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static Settings.Redis redisSettings() {
        var url = "redis://" + RealRedis.shared().host() + ":" + RealRedis.shared().port();
        return Settings.of(Layers.read(List.of("--redis-url", url), Map.of()).merged()).redis();
    }
}
