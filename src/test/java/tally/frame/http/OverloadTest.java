package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;

class OverloadTest {

    @TempDir
    private Path folder;

    @Test
    void oneRequestTooManyIsRefusedAtOnceAndHealthStillAnswers() {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port(), "--http-max-in-flight", "1")) {
            assertThat(service.get("/openapi.yaml").status()).isEqualTo(200);
            redis.pause();
            try {
                // Again where it was itself the one too many.
                Thread.startVirtualThread(() -> {
                    while (service.get("/").body().contains("Too many requests are under way")) {
                        Thread.onSpinWait();
                    }
                });
                Eventually.isTrue(
                        "the place is taken", () -> service.get("/openapi.yaml").status() == 503);
                var refused = service.get("/openapi.yaml");
                assertThat(refused.header("Retry-After")).isEqualTo("1");
                assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
                assertThat(refused.json().path("detail").asText()).isEqualTo("Too many requests are under way");
                // counter:begin
                var badge = service.get("/badge/total.svg?count");
                assertThat(badge.status()).isEqualTo(503);
                assertThat(badge.header("Retry-After")).isEqualTo("1");
                assertThat(badge.header("Content-Type")).isEqualTo("image/svg+xml");
                assertThat(badge.body()).contains(">not available now</text>");
                // counter:end
                assertThat(service.get("/health/live").status()).isEqualTo(200);
            } finally {
                redis.resume();
            }
            Eventually.isTrue(
                    "the place is free again",
                    () -> service.get("/openapi.yaml").status() == 200);
        }
    }
}
