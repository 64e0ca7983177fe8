package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.metrics.Metrics;
import tally.frame.redis.Cache;
import tally.frame.redis.LuaScript;
import tally.support.RealRedis;
import tally.support.TestTally;

/** The small scripts: announce.lua and unlock.lua. */
class ScriptsTest {

    private final UnifiedJedis redis = RealRedis.shared().openEmpty();
    private final Jedis behind = RealRedis.shared().connect();
    private final Keys keys = new Keys(redis);

    @AfterEach
    void close() {
        redis.close();
        behind.close();
    }

    @Test
    void newsAreOfTheTotalAndOfThePagesThatHaveVisits() throws InterruptedException {
        var heard = new LinkedBlockingQueue<String>();
        var subscribed = new CountDownLatch(1);
        var listener = new JedisPubSub() {
            @Override
            public void onSubscribe(String channel, int channels) {
                subscribed.countDown();
            }

            @Override
            public void onMessage(String channel, String message) {
                heard.add(message);
            }
        };
        var thread = Thread.ofVirtual().start(() -> {
            try (var listening = RealRedis.shared().connect()) {
                listening.subscribe(listener, Keys.CHANNEL);
            }
        });
        assertThat(subscribed.await(10, TimeUnit.SECONDS)).isTrue();
        var announce = new LuaScript(redis, "/announce.lua");
        announce.call(List.of(keys.total(), keys.pages()), List.of("home"));
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("0");
        behind.set(keys.total(), "7");
        behind.zadd(keys.pages(), 3, "home");
        announce.call(List.of(keys.total(), keys.pages()), List.of("", "gone", "home"));
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("7 home=3");
        listener.unsubscribe();
        thread.join();
    }

    @Test
    void aLockThatIsAnothersByNowIsLeftAlone() {
        var cache = new Cache(
                redis, keys::cached, RealRedis.shared().settings().service().cache(), new Metrics());
        var made = cache.get("key", () -> {
            // This one took so long that its lock ran out.
            behind.set(keys.cached("key") + ":lock", "another's");
            return "value";
        });
        assertThat(made.json()).isEqualTo("\"value\"");
        assertThat(behind.get(keys.cached("key") + ":lock")).isEqualTo("another's");
    }

    @Test
    void everyStateOfTheCacheIsDescribed() {
        try (var service = TestTally.start()) {
            var described = service.get("/openapi.yaml")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("    XCache:"))
                    .findFirst()
                    .orElseThrow();
            for (var state : Cache.State.values()) {
                assertThat(described).containsPattern("enum: \\[.*\\b" + state + "\\b.*]");
            }
        }
    }
}
