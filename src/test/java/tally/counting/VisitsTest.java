package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tally.support.RealRedis;
import tally.support.TestTally;

class VisitsTest {

    private static TestTally service;

    @BeforeAll
    static void start() {
        service = TestTally.start("--message", "Hello");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    void eachVisitGetsTheNextNumber() {
        assertThat(service.get("/").body()).isEqualTo("{\"message\":\"Hello\",\"visits\":1}");
        assertThat(service.get("/").visits()).isEqualTo(2);
        var third = service.get("/");
        assertThat(third.visits()).isEqualTo(3);
        assertThat(third.header("Vary")).as("the page is at the same address").isEqualTo("Accept");
    }

    @Test
    void readingCountsNothing() {
        service.get("/");
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits").body()).isEqualTo("{\"visits\":1}");
        assertThat(service.send("HEAD", "/", "").status()).isEqualTo(200);
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
    }

    @Test
    void theTotalIsAPlainIntegerUnderTheNameVisitCount() {
        service.get("/");
        service.get("/");
        try (var redis = RealRedis.shared().connect()) {
            assertThat(redis.get("visit_count")).isEqualTo("2");
        }
    }

    @Test
    void aBrowserGetsThePageWithTheNumberInIt() {
        service.get("/");
        var page = service.get("/", "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        assertThat(page.header("Content-Type")).startsWith("text/html");
        assertThat(page.header("Vary")).contains("Accept");
        assertThat(page.body()).contains(">2</output>");
    }

    @Test
    void aClientThatPrefersJsonGetsJson() {
        assertThat(service.get("/", "Accept", "text/html;q=0.5, application/json")
                        .json()
                        .has("visits"))
                .isTrue();
        assertThat(service.get("/", "Accept", "*/*").json().has("visits")).isTrue();
    }

    @Test
    void aRetriedRequestKeepsItsNumber() {
        assertThat(service.get("/", "X-Request-Id", "a1").visits()).isEqualTo(1);
        assertThat(service.get("/", "X-Request-Id", "b2").visits()).isEqualTo(2);
        assertThat(service.get("/", "X-Request-Id", "a1").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits").visits()).isEqualTo(2);
    }

    @Test
    void countingGoesOnAfterRedisForgotTheScript() {
        service.get("/");
        try (var redis = RealRedis.shared().connect()) {
            redis.scriptFlush();
        }
        assertThat(service.get("/").visits()).isEqualTo(2);
    }

    @Test
    void aNamedPageHasItsOwnCountAndAddsToTheTotal() {
        assertThat(service.send("POST", "/api/visits/home", "").body()).isEqualTo("{\"page\":\"home\",\"visits\":1}");
        assertThat(service.send("POST", "/api/visits/home", "").visits()).isEqualTo(2);
        assertThat(service.send("POST", "/api/visits/a.b_C-9", "").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits/home").visits()).isEqualTo(2);
        assertThat(service.get("/api/visits/never").visits()).isZero();
        assertThat(service.get("/api/visits").visits()).isEqualTo(3);
    }

    @Test
    void aRetriedVisitOfAPageKeepsItsNumber() {
        assertThat(service.send("POST", "/api/visits/home", "", "X-Request-Id", "p1")
                        .visits())
                .isEqualTo(1);
        assertThat(service.send("POST", "/api/visits/home", "", "X-Request-Id", "p1")
                        .visits())
                .isEqualTo(1);
        assertThat(service.get("/api/visits/home").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
    }

    @Test
    void aPageNameThatIsNotOneIsRefused() {
        for (var name : List.of(
                "total",
                "total/a",
                ".",
                "..",
                "a/./b",
                "a/%2E%2E/b",
                "a//b",
                "%2Fa",
                "a/b//",
                "%00",
                "a%0Ab",
                "%7F",
                "%C3",
                "%ED%A0%80",
                "%C0%AF",
                "%EF%BF%BF",
                "%3Fa",
                "a".repeat(257),
                "ä".repeat(129).replace("ä", "%C3%A4"))) {
            var answer = service.raw("POST /api/visits/" + name + " HTTP/1.1");
            assertThat(answer).as(name).startsWith("HTTP/1.1 400 ");
        }
        assertThat(service.get("/api/visits").visits()).isZero();
    }

    @Test
    void aNewPageBeyondTheMostIsRefusedAndTheOthersGoOn() {
        try (var small = TestTally.start("--visits-max-pages", "2")) {
            small.send("POST", "/api/visits/a", "");
            small.send("POST", "/api/visits/b", "");
            var refused = small.send("POST", "/api/visits/c", "");
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.json().required("detail").asText()).contains("no room for a new page");
            assertThat(small.send("POST", "/api/visits/a", "").visits()).isEqualTo(2);
            assertThat(small.get("/").visits()).isEqualTo(4);
        }
    }

    @Test
    void theStatisticsFillTheQuietMinutesWithZeros() {
        service.get("/");
        service.send("POST", "/api/visits/home", "");
        service.send("POST", "/api/visits/home", "");
        service.send("POST", "/api/visits/about", "");
        var stats = service.get("/api/stats").json();
        assertThat(stats.required("visits").asLong()).isEqualTo(4);
        assertThat(stats.required("visitorsToday").asLong()).isZero();
        assertThat(stats.required("minutes")).hasSize(60);
        assertThat(stats.required("minutes"))
                .map(minute -> minute.asLong())
                .startsWith(0L)
                .satisfies(minutes -> assertThat(
                                minutes.stream().mapToLong(Long::longValue).sum())
                        .isEqualTo(4));
        assertThat(stats.required("topPages").toString())
                .isEqualTo("[{\"page\":\"home\",\"visits\":2},{\"page\":\"about\",\"visits\":1}]");
    }

    @Test
    void theTenMostVisitedPagesAreTold() {
        try (var fresh = TestTally.start("--cache-ttl", "0s", "--cache-stale", "1ms")) {
            for (int page = 1; page <= 11; page++) {
                for (int visit = 0; visit < page; visit++) {
                    fresh.send("POST", "/api/visits/page-" + page, "");
                }
                assertThat(fresh.get("/api/stats").json().required("topPages")).hasSize(Math.min(10, page));
            }
            assertThat(fresh.get("/api/stats").json().required("topPages"))
                    .map(page -> page.required("page").asText())
                    .containsExactly(
                            "page-11", "page-10", "page-9", "page-8", "page-7", "page-6", "page-5", "page-4", "page-3",
                            "page-2");
        }
    }

    /** The client has no cookie yet when its request is repeated, so that each replica begins a session for it. */
    @Test
    void aRepeatedRequestIsOneVisitor() {
        String[] browser = {"Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox", "X-Request-Id", "repeated"};
        try (var other = TestTally.start("--cache-ttl", "0s")) {
            service.get("/", browser);
            other.get("/", browser);
            assertThat(other.get("/api/stats").json().required("visitorsToday").asLong())
                    .isEqualTo(1);
        }
    }

    @Test
    void whoIsRefusedIsNoVisitor() {
        try (var full = TestTally.start("--visits-max-pages", "0", "--cache-ttl", "0s")) {
            assertThat(full.send("POST", "/api/visits/home", "", "User-Agent", "Mozilla/5.0 Firefox")
                            .status())
                    .isEqualTo(409);
            assertThat(full.get("/api/stats").json().required("visitorsToday").asLong())
                    .isZero();
            assertThat(full.get("/", "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox")
                            .status())
                    .isEqualTo(200);
            assertThat(full.get("/api/stats").json().required("visitorsToday").asLong())
                    .isEqualTo(1);
        }
    }

    @Test
    void everyKeyHasItsTimeToLiveButTheCountsAndTheRingOfIds() {
        service.get("/", "X-Request-Id", "one", "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox");
        service.send("POST", "/api/visits/home", "");
        service.get("/api/stats");
        var longest = new LinkedHashMap<String, Duration>();
        longest.put("tally:minute:", Duration.ofHours(2));
        longest.put("tally:visitors:", Duration.ofDays(8));
        longest.put("tally:day:", Duration.ofDays(2));
        longest.put("tally:new-names:", Duration.ofHours(2));
        longest.put("tally:session:", Duration.ofMinutes(30));
        longest.put("tally:cache:", Duration.ofSeconds(6));
        try (var redis = RealRedis.shared().connect()) {
            var keys = redis.keys("*");
            for (var key : keys) {
                var times = longest.entrySet().stream()
                        .filter(time -> key.startsWith(time.getKey()))
                        .map(Map.Entry::getValue)
                        .toList();
                if (key.startsWith("tally:salt:")) {
                    assertThat(redis.ttl(key))
                            .as(key)
                            .isBetween(1L, Duration.ofDays(1).plusMinutes(1).toSeconds());
                } else if (times.isEmpty()) {
                    assertThat(key).matches("visit_count|tally:pages|tally:seen(:[012])?|tally:sessions(:bytes)?");
                    assertThat(redis.ttl(key)).as(key).isEqualTo(-1);
                } else {
                    long most = times.getFirst().toMillis();
                    assertThat(redis.pttl(key)).as(key).isBetween(most - 5000, most);
                }
            }
            for (var name : longest.keySet()) {
                assertThat(keys).anyMatch(key -> key.startsWith(name));
            }
        }
    }
}
