package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import tally.support.RealRedis;
import tally.support.TestTally;

/** What a page of another site may read, and of which site a page may be counted. */
class CrossOriginTest {

    private static final List<String> READABLE = List.of(
            "/",
            "/api/visits",
            "/api/visits/home",
            "/api/visits/a/b",
            "/api/visits/total",
            "/api/visitors",
            "/api/stats",
            "/api/events",
            "/badge/home.svg",
            "/badge/total.svg",
            "/badge/home.svg?color=none");

    @Test
    void anySiteMayReadCountsAlsoOnErrorsButNoSession() {
        RealRedis.shared().empty();
        try (var service = TestTally.start()) {
            for (var path : READABLE) {
                assertThat(service.get(path, "Origin", "https://blog.example").header("Access-Control-Allow-Origin"))
                        .as(path)
                        .isEqualTo("*");
            }
            for (var path : List.of("/api/session", "/metrics", "/health/live", "/nothing")) {
                assertThat(service.get(path, "Origin", "https://blog.example").header("Access-Control-Allow-Origin"))
                        .as(path)
                        .isEmpty();
            }
        }
    }

    @Test
    void aPreflightIsAnsweredAndKeptAndCountsNothing() {
        RealRedis.shared().empty();
        try (var service = TestTally.start()) {
            var answer = service.send(
                    "OPTIONS",
                    "/count/blog.example/a",
                    "",
                    "Origin",
                    "https://blog.example",
                    "Access-Control-Request-Method",
                    "POST");
            assertThat(answer.status()).isEqualTo(204);
            assertThat(answer.header("Access-Control-Allow-Methods")).contains("POST");
            assertThat(answer.header("Access-Control-Max-Age")).isEqualTo("86400");
            assertThat(service.send(
                                    "OPTIONS",
                                    "/api/session",
                                    "",
                                    "Origin",
                                    "https://blog.example",
                                    "Access-Control-Request-Method",
                                    "PUT")
                            .header("Access-Control-Allow-Origin"))
                    .isEmpty();
            assertThat(service.get("/api/visits").visits()).isZero();
        }
    }

    @Test
    void whereSitesAreNamedOthersAreNeitherCountedNorMayRead() {
        RealRedis.shared().empty();
        try (var service = TestTally.start("--counting-sites", "blog.example, shop.example:8443")) {
            var mine = service.send("POST", "/count/blog.example/a", "", "Origin", "https://blog.example");
            assertThat(mine.header("Access-Control-Allow-Origin")).isEqualTo("https://blog.example");
            assertThat(mine.header("Vary")).isEqualTo("Origin");
            assertThat(service.send(
                                    "POST",
                                    "/api/visits/shop.example:8443/a",
                                    "",
                                    "Origin",
                                    "https://SHOP.example:8443")
                            .status())
                    .isEqualTo(200);
            assertThat(service.send("POST", "/api/visits/blog.example", "").status())
                    .isEqualTo(200);
            for (var page : List.of("evil.example/a", "home", "evil.example", "blog.example.evil.example/a")) {
                var refused = service.send("POST", "/api/visits/" + page, "", "Origin", "https://evil.example");
                assertThat(refused.status()).as(page).isEqualTo(403);
                assertThat(refused.json().required("detail").asText()).contains("counting.sites");
                assertThat(refused.header("Access-Control-Allow-Origin")).isEmpty();
                assertThat(refused.header("Vary")).isEqualTo("Origin");
                assertThat(service.send("POST", "/count/" + page, "", "User-Agent", "Mozilla/5.0 Firefox")
                                .status())
                        .isEqualTo(403);
            }
            for (var origin : List.of(
                    "null",
                    "https://blog.example.evil.example",
                    "blog.example",
                    "https://blog.example:444",
                    "ä",
                    "https://")) {
                assertThat(service.raw("GET /api/visits HTTP/1.1\r\nOrigin: " + origin))
                        .as(origin)
                        .doesNotContain("Access-Control-Allow-Origin");
            }
        }
    }
}
