package tally;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MetricsTest {

    @Test
    void whatHappenedIsCountedByRouteAndNeverByPath() {
        RealRedis.shared().empty();
        try (var service = Service.start()) {
            service.get("/");
            service.send("POST", "/api/visits/secret-page", "");
            service.get("/no/such/path");
            service.get("/", "Accept", "text/html", "User-Agent", "Firefox");
            service.get("/api/stats");
            var answer = service.get("/metrics");
            assertThat(answer.header("Content-Type")).startsWith("text/plain");
            assertThat(answer.body())
                    .contains("tally_http_request_seconds_count{method=\"GET\",route=\"/\",status=\"200\"} 2")
                    .contains("tally_http_request_seconds_count{method=\"POST\",route=\"/api/visits/{page}\",status=\"200\"} 1")
                    .contains("tally_http_request_seconds_count{method=\"GET\",route=\"none\",status=\"404\"} 1")
                    .doesNotContain("secret-page").doesNotContain("/no/such")
                    .contains("tally_batch_visits_sum 3").contains("tally_batch_visits_count 3")
                    .contains("tally_sessions_created_total 1.0")
                    .contains("tally_cache_reads_total{state=\"MISS\"} 1.0")
                    .contains("tally_events_clients 0.0").contains("tally_waiting 0.0").contains("tally_redis_pool_idle ")
                    .contains("jvm_memory_used_bytes").contains("process_cpu_seconds_total");
        }
    }

    @Test
    void aRedisThatIsAwayIsCountedAsErrors() {
        try (var service = Service.start("127.0.0.1", LocalRedis.freePort())) {
            service.get("/");
            assertThat(service.get("/metrics").body()).contains("tally_redis_errors_total{kind=\"JedisConnectionException\"}");
        }
    }
}
