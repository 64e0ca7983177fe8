package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.args.ClientPauseMode;
import redis.clients.jedis.exceptions.JedisDataException;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;

/** /health says no when a write would fail, whatever the cause, and yes when it would not. */
class HealthTest {

    @TempDir
    private Path folder;

    @Test
    @Tag("long")
    void aMissingRightIsTold() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start(
                        "127.0.0.1", redis.port(), "--redis-user", "mine", "--redis-password", "secret")) {
            admin.aclSetUser("mine", "on", ">secret", "~*", "&*", "+@all");
            assertUp(service);
            // counter:begin rights
            for (var right : new String[] {"evalsha", "unlink", "incrby", "zadd", "hset", "pfadd", "expire", "time"}) {
                // counter:end
                admin.aclSetUser("mine", "-" + right);
                assertDown(service, right, "permission", "NOPERM", "can't run");
                admin.aclSetUser("mine", "+" + right);
                assertUp(service);
            }
            // Nor did asking count anything, or leave a key that stays.
            // counter:begin left
            assertThat(admin.keys("*"))
                    .isSubsetOf(
                            "visit_count",
                            "tally:seen",
                            "tally:day:" + LocalDate.now(ZoneOffset.UTC),
                            "tally:visitors:" + LocalDate.now(ZoneOffset.UTC));
            // counter:end
            assertThat(service.write().number()).isEqualTo(1);
        }
    }

    @Test
    void aReplicaAndOneThatHasTooFewAreTold() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            admin.replicaof("127.0.0.1", 1);
            assertRefused(service, "READONLY");
            admin.replicaofNoOne();
            assertCounts(service);
            admin.configSet("min-replicas-to-write", "3");
            assertRefused(service, "NOREPLICAS");
            admin.configSet("min-replicas-to-write", "0");
            assertCounts(service);
        }
    }

    @Test
    void pausedWritesAreTold() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port(), "--redis-timeout", "300ms")) {
            service.write();
            admin.clientPause(60_000, ClientPauseMode.WRITE);
            assertRefused(service, "did not answer in time");
            admin.clientUnpause();
            assertCounts(service);
        }
    }

    @Test
    void aDiskThatTakesNothingIsTold() throws IOException {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            admin.configSet("save", "3600 1");
            Files.createDirectories(folder.resolve("dump.rdb/in-the-way"));
            admin.bgsave();
            Eventually.isTrue(
                    "it could not save", () -> admin.info("persistence").contains("rdb_last_bgsave_status:err"));
            assertRefused(service, "could not save to disk");
            assertThat(service.get("/health").json().at("/redis/lastSave").asText())
                    .isEqualTo("failed");
        }
    }

    @Test
    void aFullMemoryIsTold() {
        try (var redis = new LocalRedis(folder, "--maxmemory-policy", "noeviction");
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            redis.shrink(200_000);
            assertRefused(service, "full");
            admin.configSet("maxmemory", "0");
            assertCounts(service);
        }
    }

    @Test
    void anEndlessScriptIsTold() {
        try (var redis = new LocalRedis(folder, "--lua-time-limit", "100");
                var admin = redis.connect();
                var other = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            var endless = CompletableFuture.runAsync(() -> other.eval("while true do end"));
            Eventually.isTrue("it is busy", () -> isBusy(redis));
            assertRefused(service, "BUSY");
            admin.scriptKill();
            assertThat(endless).failsWithin(Duration.ofSeconds(10));
            assertCounts(service);
        }
    }

    private static boolean isBusy(LocalRedis redis) {
        try (var asking = redis.connect()) {
            return asking.ping().isEmpty();
        } catch (JedisDataException busy) {
            return true;
        }
    }

    @Test
    void aClusterThatIsNotWholeIsTold() {
        try (var redis = new LocalRedis(folder, "--cluster-enabled", "yes");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            assertRefused(service, "CLUSTERDOWN");
        }
    }

    @Test
    void whatRedisDoesNotTellIsNoTrouble() {
        for (var options : new String[][] {
            {"--rename-command", "INFO", ""}, {"--rename-command", "INFO", "", "--rename-command", "LOLWUT", "INFO"}
        }) {
            try (var redis = new LocalRedis(folder, options);
                    var service = TestTally.start("127.0.0.1", redis.port())) {
                assertCounts(service);
                var told = service.get("/health").json().required("redis");
                assertThat(told.required("maxMemoryBytes").isNull()).isTrue();
                assertThat(told.required("lastSave").isNull()).isTrue();
                assertThat(told.required("error").isNull()).isTrue();
            }
        }
    }

    private static void assertCounts(TestTally service) {
        Eventually.isTrue("counts", () -> service.write().isDone());
        assertUp(service);
    }

    private static void assertUp(TestTally service) {
        var health = service.get("/health");
        assertThat(health.status()).as(health.body()).isEqualTo(200);
        assertThat(service.send("HEAD", "/health", "").status()).isEqualTo(200);
    }

    private static void assertRefused(TestTally service, String... words) {
        assertThat(service.write().status()).isEqualTo(503);
        assertDown(service, words);
        assertThat(service.write().status()).isEqualTo(503);
    }

    /** With a reason that has one of these words. */
    private static void assertDown(TestTally service, String... words) {
        long start = System.nanoTime();
        var health = service.get("/health");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(2600));
        assertThat(health.status()).as(health.body()).isEqualTo(503);
        assertThat(health.json().at("/redis/error").asText()).containsAnyOf(words);
        assertThat(service.send("HEAD", "/health", "").status()).isEqualTo(503);
    }
}
