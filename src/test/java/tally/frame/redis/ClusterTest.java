package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tally.support.Eventually;
import tally.support.RedisCluster;
import tally.support.TestTally;

/** Tally on a Redis Cluster: whichever node it is told of, all that it keeps is on one. */
class ClusterTest {

    private static final String[] BROWSER = {"Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox"};

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void allThatTallyDoesWorksOnAClusterOfSoManyNodesWhicheverItIsToldOf(int size) {
        try (var cluster = new RedisCluster(folder, size)) {
            long counted = 0;
            for (var node : cluster.nodes()) {
                try (var service =
                        TestTally.start("127.0.0.1", node.port(), "--cache-ttl", "0s", "--cache-stale", "1ms")) {
                    assertThat(service.get("/health").status())
                            .as(service.get("/health").body())
                            .isEqualTo(200);
                    assertThat(service.get("/", "X-Request-Id", "once-" + counted)
                                    .visits())
                            .isEqualTo(counted + 1);
                    assertThat(service.get("/", "X-Request-Id", "once-" + counted)
                                    .visits())
                            .isEqualTo(counted + 1);
                    var page = service.get("/", BROWSER);
                    var cookie = page.cookie();
                    var put = service.send(
                            "PUT",
                            "/api/session",
                            "{\"a\":\"b\"}",
                            "Cookie",
                            cookie,
                            "Content-Type",
                            "application/json");
                    assertThat(put.status()).as(put.body()).isEqualTo(200);
                    assertThat(service.get("/api/session", "Cookie", cookie)
                                    .json()
                                    .at("/data/a")
                                    .asText())
                            .isEqualTo("b");
                    counted += 3;
                    assertThat(service.send("POST", "/api/visits/home", "").visits())
                            .isEqualTo(counted / 3);
                    assertThat(service.get("/api/visits/home").visits()).isEqualTo(counted / 3);
                    var stats = service.get("/api/stats").json();
                    assertThat(stats.required("visits").asLong()).isEqualTo(counted);
                    assertThat(stats.required("visitorsToday").asLong()).isEqualTo(1);
                    assertThat(stats.at("/topPages/0/page").asText()).isEqualTo("home");
                    assertThat(service.get("/api/events").body()).contains("data:");
                }
            }
            try (var owner = cluster.connect("visit_count")) {
                assertThat(owner.get("visit_count")).isEqualTo(Long.toString(counted));
            }
        }
    }

    @Test
    void whatWasCountedUnderTheOtherNamesIsTakenOverOnce() {
        try (var cluster = new RedisCluster(folder, 3);
                var before = cluster.connect("tally:pages");
                var total = cluster.connect("visit_count")) {
            before.zadd("tally:pages", Map.of("home", 41.0, "about", 7.0));
            total.set("visit_count", "48");
            try (var service = TestTally.start(
                            "127.0.0.1", cluster.nodes().getFirst().port());
                    var other = TestTally.start(
                            "127.0.0.1", cluster.nodes().getLast().port())) {
                assertThat(service.send("POST", "/api/visits/home", "").visits())
                        .isEqualTo(42);
                assertThat(other.send("POST", "/api/visits/home", "").visits()).isEqualTo(43);
                assertThat(service.get("/api/visits/about").visits()).isEqualTo(7);
                assertThat(service.get("/api/visits").visits()).isEqualTo(50);
            }
            assertThat(before.exists("tally:pages")).isFalse();
        }
    }

    @Test
    void aNodeThatIsAwayIsA503ThatSaysSoAndItCountsAgainWhenItIsBack() {
        try (var cluster = new RedisCluster(folder, 3)) {
            var owner = cluster.of("visit_count");
            var seed = cluster.nodes().stream()
                    .filter(node -> node != owner)
                    .findFirst()
                    .orElseThrow();
            try (var service = TestTally.start("127.0.0.1", seed.port())) {
                assertThat(service.get("/").visits()).isEqualTo(1);
                owner.kill();
                Eventually.isTrue("it is missed", () -> service.get("/health").status() == 503);
                Eventually.isTrue(
                        "the cluster says so", () -> service.get("/").body().contains("CLUSTERDOWN"));
                owner.start();
                Eventually.isTrue("it counts again", () -> service.get("/").status() == 200);
                assertThat(service.get("/health").status()).isEqualTo(200);
            }
        }
    }
}
