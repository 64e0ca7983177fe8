package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.RealRedis;
import tally.support.TestTally;
import tally.support.Wire;

class MetricsTest {

    @TempDir
    private Path folder;

    @Test
    void whatHappenedIsCountedByRouteAndNeverByPath() {
        RealRedis.shared().empty();
        try (var service = TestTally.start()) {
            service.get("/");
            service.get("/static/secret-page");
            service.get("/no/such/path");
            // counter:begin
            service.send("POST", "/api/visits/secret-page", "");
            service.get("/", "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox");
            service.get("/api/stats");
            // counter:end
            var answer = service.get("/metrics");
            assertThat(answer.header("Content-Type")).startsWith("text/plain");
            assertThat(answer.body())
                    // counter:begin metrics
                    .contains("tally_http_request_seconds_count{method=\"GET\",route=\"/\",status=\"200\"} 2")
                    .contains("tally_http_request_seconds_count"
                            + "{method=\"POST\",route=\"/api/visits/{page}\",status=\"200\"} 1")
                    // counter:end
                    .contains("tally_http_request_seconds_count{method=\"GET\",route=\"none\",status=\"404\"} 2")
                    .doesNotContain("secret-page")
                    .doesNotContain("/no/such")
                    // counter:begin
                    .contains("tally_batch_visits_sum 3")
                    .contains("tally_batch_visits_count 3")
                    .contains("tally_sessions_created_total 1.0")
                    .contains("tally_cache_reads_total{state=\"MISS\"} 1.0")
                    .contains("tally_events_clients 0.0")
                    .contains("tally_waiting 0.0")
                    // counter:end
                    .contains("tally_redis_pool_idle ")
                    .contains("jvm_memory_used_bytes")
                    .contains("process_cpu_seconds_total");
        }
    }

    @Test
    void timesAreInSeconds() {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port(), "--redis-timeout", "10s")) {
            wire.delay(Duration.ofMillis(300));
            long start = System.nanoTime();
            service.get("/");
            double most = (System.nanoTime() - start) / 1e9;
            wire.delay(Duration.ZERO);
            var metrics = service.get("/metrics").body();
            assertThat(number(metrics, "tally_http_request_seconds_sum{method=\"GET\",route=\"/\",status=\"200\"}"))
                    .isBetween(0.3, most);
            assertThat(number(metrics, "tally_redis_seconds_sum")).isGreaterThan(0.3);
            // Those of the request, and of what goes on beside it.
            assertThat(number(metrics, "tally_redis_seconds_sum"))
                    .isLessThan(number(metrics, "tally_redis_seconds_count") * (most + 1));
            assertThat(number(metrics, "tally_redis_seconds_bucket{le=\"0.25\"}"))
                    .isLessThan(number(metrics, "tally_redis_seconds_count"));
        }
    }

    private static double number(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aRedisThatIsAwayIsCountedAsErrors() {
        try (var service = TestTally.start("127.0.0.1", LocalRedis.freePort())) {
            service.get("/");
            assertThat(service.get("/metrics").body())
                    .contains("tally_redis_errors_total{kind=\"JedisConnectionException\"}");
        }
    }
}
