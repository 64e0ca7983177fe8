package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VisitsTest {

    private static Service service;

    @BeforeAll
    static void start() {
        service = Service.start("--message", "Hello");
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
        assertThat(service.get("/").visits()).isEqualTo(3);
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
        assertThat(service.get("/", "Accept", "text/html;q=0.5, application/json").json().has("visits")).isTrue();
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
        assertThat(service.send("POST", "/api/visits/home", "", "X-Request-Id", "p1").visits()).isEqualTo(1);
        assertThat(service.send("POST", "/api/visits/home", "", "X-Request-Id", "p1").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits/home").visits()).isEqualTo(1);
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
    }

    @Test
    void aPageNameThatIsNotOneIsRefused() {
        for (var name : List.of("-a", ".a", "a%20b", "a%2Fb", "%C3%A4", "a".repeat(65), "total")) {
            assertThat(service.send("POST", "/api/visits/" + name, "").status()).as(name).isEqualTo(400);
        }
        assertThat(service.get("/api/visits").visits()).isZero();
    }

    @Test
    void aNewPageBeyondTheMostIsRefusedAndTheOthersGoOn() {
        try (var small = Service.start("--visits-max-pages", "2")) {
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
        assertThat(stats.required("minutes")).map(minute -> minute.asLong()).startsWith(0L).satisfies(minutes ->
                assertThat(minutes.stream().mapToLong(Long::longValue).sum()).isEqualTo(4));
        assertThat(stats.required("topPages").toString())
                .isEqualTo("[{\"page\":\"home\",\"visits\":2},{\"page\":\"about\",\"visits\":1}]");
    }

    @Test
    void everyKeyButTheCountsHasATimeToLive() {
        service.get("/", "X-Request-Id", "one");
        service.send("POST", "/api/visits/home", "");
        try (var redis = RealRedis.shared().connect()) {
            for (var key : redis.keys("*")) {
                var isCount = key.equals("visit_count") || key.equals("tally:pages");
                assertThat(redis.ttl(key)).as(key).satisfies(ttl -> assertThat(ttl == -1).isEqualTo(isCount));
            }
        }
    }
}
