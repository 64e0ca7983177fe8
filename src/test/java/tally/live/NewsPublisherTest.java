package tally.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.UnifiedJedis;
import tally.Settings;
import tally.counting.Keys;
import tally.dev.AppUser;
import tally.dev.LocalRedis;
import tally.frame.config.ConfigLayers;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisClients;
import tally.load.Load;
import tally.support.Eventually;
import tally.support.RealRedis;
import tally.support.TestTally;

class NewsPublisherTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    @Tag("long")
    void newsGoOutTenTimesASecondAtMostAndTheLastTellsAll() throws Exception {
        try (var service = TestTally.start();
                var replica = new Replica(
                        RealRedis.shared().host(), RealRedis.shared().port())) {
            long start = System.nanoTime();
            assertThat(Load.send(List.of(service.address("/")), 16, 5000).failed())
                    .isZero();
            int messages = replica.await("5000");
            long tenths = (System.nanoTime() - start) / 100_000_000;
            assertThat(messages).isLessThanOrEqualTo((int) tenths + 1);
        }
    }

    @Test
    void aVisitThatIsRefusedIsNoNews() throws Exception {
        try (var service = TestTally.start("--visits-max-pages", "1");
                var replica = new Replica(
                        RealRedis.shared().host(), RealRedis.shared().port())) {
            service.send("POST", "/api/visits/home", "");
            replica.await("1 home=1");
            assertThat(service.send("POST", "/api/visits/other", "").status()).isEqualTo(409);
            // Longer than news waits for its turn: what is told now would not be told together with the next.
            Thread.sleep(300);
            service.send("POST", "/api/visits/home", "");
            assertThat(replica.await("2 home=2")).isEqualTo(1);
        }
    }

    @Test
    void whatIsNotedJustBeforeTheEndIsAnnouncedStill() throws Exception {
        try (var redis = open(RealRedis.shared().host(), RealRedis.shared().port());
                var behind = RealRedis.shared().connect();
                var replica = new Replica(
                        RealRedis.shared().host(), RealRedis.shared().port())) {
            var announcer = new NewsPublisher(redis, new Keys(redis));
            announcer.start();
            behind.set("visit_count", "1");
            announcer.note("");
            replica.await("1");
            behind.set("visit_count", "2");
            announcer.note("");
            announcer.close();
            replica.await("2");
        }
    }

    @Test
    void newsThatRedisDidNotTakeGoOutOnceItDoes() throws Exception {
        try (var server = new LocalRedis(folder);
                var admin = new Jedis("127.0.0.1", server.port());
                var redis = open("127.0.0.1", server.port());
                var announcer = new NewsPublisher(redis, new Keys(redis));
                var replica = new Replica("127.0.0.1", server.port())) {
            admin.zadd("tally:pages", 3, "home");
            admin.set("visit_count", "3");
            admin.aclSetUser(AppUser.NAME, "-publish");
            announcer.start();
            announcer.note("home");
            Eventually.isTrue("it was refused", () -> !admin.aclLog().isEmpty());
            admin.aclSetUser(AppUser.NAME, "+publish");
            replica.await("3 home=3");
        }
    }

    private static UnifiedJedis open(String host, int port) {
        var flags = List.of("--redis-url", AppUser.url(host, port));
        return RedisClients.open(
                Settings.of(ConfigLayers.read(flags, Map.of()).merged()).redis(), new Metrics());
    }

    /** Another process as far as Redis knows: it hears what is announced. */
    private static final class Replica extends JedisPubSub implements AutoCloseable {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final Jedis redis;

        Replica(String host, int port) {
            redis = new Jedis(host, port);
            Thread.startVirtualThread(() -> redis.subscribe(this, Keys.CHANNEL));
            Eventually.isTrue("listens", this::isSubscribed);
        }

        @Override
        public void onMessage(String channel, String message) {
            // An empty one tells nothing: a service that starts tries out its right to publish.
            if (!message.isEmpty()) {
                heard.add(message);
            }
        }

        /** Waits for it, and says how many messages that took. */
        int await(String message) throws InterruptedException {
            for (int messages = 1; ; messages++) {
                var next = heard.poll(10, TimeUnit.SECONDS);
                assertThat(next)
                        .as("a message after %d others that says %s", messages - 1, message)
                        .isNotNull();
                if (next.equals(message)) {
                    return messages;
                }
            }
        }

        @Override
        public void close() {
            unsubscribe();
            Eventually.isTrue("listens no more", () -> !isSubscribed());
            redis.close();
        }
    }
}
