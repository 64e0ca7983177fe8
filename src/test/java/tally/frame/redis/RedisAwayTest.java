package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;

class RedisAwayTest {

    @TempDir
    private Path folder;

    @Test
    void theServiceStartsWithoutRedisAndCountsAsSoonAsItIsThere() {
        int port = LocalRedis.freePort();
        try (var service = TestTally.start("127.0.0.1", port)) {
            assertUnavailable(service);
            try (var redis = new LocalRedis(LocalRedis.executable(), port, folder)) {
                assertThat(service.write().number()).isEqualTo(1);
                assertThat(service.get("/health").status()).isEqualTo(200);
                redis.stop();
                assertUnavailable(service);
                redis.start();
                assertThat(service.write().number()).isEqualTo(2);
            }
        }
    }

    @Test
    @Tag("long")
    void aRedisThatHangsCostsEachRequestLessThanTwoSecondsAndIsFoundAgain() {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            redis.pause();
            try {
                var start = System.nanoTime();
                assertUnavailable(service);
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
            } finally {
                redis.resume();
            }
            Eventually.isTrue("counts again", () -> service.write().isDone());
        }
    }

    @Test
    void aRestartOfRedisFailsNoRequestThatComesAfterIt() throws InterruptedException {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.write();
            redis.stop();
            redis.start();
            // So long a connection is trusted after its last use; then the dead ones are found out.
            Thread.sleep(600);
            assertThat(service.write().number()).isEqualTo(2);
        }
    }

    @Test
    void aRedisThatRefusesIsAnswered503WithItsReason() {
        try (var redis = new LocalRedis(folder, "--requirepass", "right")) {
            try (var service = TestTally.start("127.0.0.1", redis.port(), "--redis-password", "wrong")) {
                assertUnavailable(service);
                assertThat(service.get("/health").json().at("/redis/error").asText())
                        .contains("WRONGPASS")
                        .doesNotContain("wrong");
            }
            try (var service = TestTally.at("redis://127.0.0.1:" + redis.port(), "--redis-password", "right")) {
                assertThat(service.write().number()).isEqualTo(1);
            }
        }
    }

    private static void assertUnavailable(TestTally service) {
        var refused = service.write();
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Content-Type")).startsWith("application/problem+json");
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        var health = service.get("/health");
        assertThat(health.status()).isEqualTo(503);
        assertThat(health.header("Retry-After")).isEqualTo("1");
        assertThat(service.send("HEAD", "/health", "").status()).isEqualTo(503);
        assertThat(health.json().at("/redis/status").asText()).isEqualTo("down");
        assertThat(health.json().at("/redis/error").asText()).isNotEmpty();
        assertThat(service.get("/health/live").status()).isEqualTo(200);
    }
}
