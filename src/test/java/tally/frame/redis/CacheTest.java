package tally.frame.redis;

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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.params.SetParams;
import tally.Settings;
import tally.counting.Keys;
import tally.frame.config.ConfigLayers;
import tally.frame.metrics.Metrics;
import tally.support.Eventually;
import tally.support.RealRedis;
import tally.support.TestTally;

class CacheTest {

    private final UnifiedJedis redis = RealRedis.shared().openEmpty();
    private final Jedis behind = RealRedis.shared().connect();

    @AfterEach
    void close() {
        redis.close();
        behind.close();
    }

    @Test
    void theStatisticsAreMadeOnceAndServedFromTheCache() {
        try (var one = TestTally.start("--cache-ttl", "1m");
                var two = TestTally.start("--cache-ttl", "1m")) {
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
        var one = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        var two = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        var loads = new AtomicInteger();
        var ready = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Cache.Cached>>();
            for (int i = 0; i < 1000; i++) {
                var cache = i % 2 == 0 ? one : two;
                answers.add(threads.submit(() -> {
                    ready.await();
                    return cache.get("slow", () -> {
                        Eventually.pause(20);
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
        var one = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ZERO, Duration.ofMinutes(1)), new Metrics());
        var two = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ZERO, Duration.ofMinutes(1)), new Metrics());
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
            try {
                var stale = two.get("key", () -> "never");
                assertThat(stale).isEqualTo(new Cache.Cached("\"old\"", Cache.State.STALE));
            } finally {
                finish.countDown();
            }
            assertThat(fresh.get()).isEqualTo(new Cache.Cached("\"new\"", Cache.State.MISS));
        }
    }

    @Test
    void aLoaderThatFailsGivesItsLockBackAndTheNextTriesAgain() {
        var cache = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        assertThatThrownBy(() -> cache.get("key", () -> {
                    throw new IllegalStateException("broken");
                }))
                .hasMessage("broken");
        assertThat(cache.get("key", () -> "whole").json()).isEqualTo("\"whole\"");
    }

    @Test
    void aLockThatIsAnothersByNowIsLeftAlone() {
        var cache = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        cache.get("key", () -> {
            assertThat(behind.pttl("tally:cache:key:lock")).isBetween(1L, 2000L);
            return behind.set("tally:cache:key:lock", "another's");
        });
        assertThat(behind.get("tally:cache:key:lock")).isEqualTo("another's");
    }

    @Test
    void aCacheThatFailsIsAsAnEmptyOne() {
        behind.lpush("tally:cache:key", "of another type");
        var cache = new Cache(
                redis, new Keys(redis)::cached, new CacheSettings(Duration.ofMinutes(1), Duration.ZERO), new Metrics());
        assertThat(cache.get("key", () -> "value")).isEqualTo(new Cache.Cached("\"value\"", Cache.State.MISS));
        assertThat(cache.get("key", () -> "never").state()).isEqualTo(Cache.State.HIT);
        behind.set("tally:cache:other", "not JSON", SetParams.setParams().px(60_000));
        assertThat(cache.get("other", () -> "value")).isEqualTo(new Cache.Cached("\"value\"", Cache.State.MISS));
        behind.set("tally:cache:endless", "{\"value\":\"foreign\"}");
        behind.lpush("tally:cache:endless:lock", "of another type");
        assertThat(cache.get("endless", () -> "value")).isEqualTo(new Cache.Cached("\"value\"", Cache.State.MISS));
    }

    @Test
    void nothingIsServedForLongerWhenRedisClockIsSetBack() {
        var settings = new CacheSettings(Duration.ofSeconds(1), Duration.ofSeconds(5));
        var cache = new Cache(redis, new Keys(redis)::cached, settings, new Metrics());
        long hour = Duration.ofHours(1).toMillis();
        cache.get("key", () -> "old");
        // What a step back leaves behind: all that Redis keeps has so much longer to live.
        behind.pexpire("tally:cache:key", hour);
        assertThat(cache.get("key", () -> "new")).isEqualTo(new Cache.Cached("\"new\"", Cache.State.MISS));
        assertThat(cache.get("key", () -> "never")).isEqualTo(new Cache.Cached("\"new\"", Cache.State.HIT));

        behind.set(
                "tally:cache:key:lock",
                "of one who is gone",
                SetParams.setParams().px(hour));
        behind.pexpire("tally:cache:key", 4000);
        assertThat(cache.get("key", () -> "newer")).isEqualTo(new Cache.Cached("\"newer\"", Cache.State.MISS));
        assertThat(behind.exists("tally:cache:key:lock")).isFalse();

        // As an older version wrote it, by a clock of its own.
        behind.set(
                "tally:cache:key",
                "{\"freshUntil\":" + (System.currentTimeMillis() + hour) + ",\"value\":\"old\"}",
                SetParams.setParams().px(hour));
        assertThat(cache.get("key", () -> "newest")).isEqualTo(new Cache.Cached("\"newest\"", Cache.State.MISS));
    }

    @Test
    @Tag("long")
    void theStatisticsAreNeverOlderThanAFewSeconds() {
        var settings = Settings.of(ConfigLayers.read(List.of(), Map.of()).merged())
                .service()
                .cache();
        assertThat(settings.ttl().plus(settings.stale())).isLessThanOrEqualTo(Duration.ofSeconds(6));
        try (var one = TestTally.start("--cache-ttl", "100ms", "--cache-stale", "500ms")) {
            one.get("/api/stats");
            long end = System.nanoTime() + Duration.ofMillis(600).toNanos();
            one.get("/");
            // Another replica makes them anew, and does not come to an end.
            behind.set(
                    "tally:cache:stats:lock", "another's", SetParams.setParams().px(2000));
            long asked;
            do {
                asked = System.nanoTime();
            } while (one.get("/api/stats").visits() == 0 && asked < end);
            assertThat(one.get("/api/stats").visits()).isEqualTo(1);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }
}
