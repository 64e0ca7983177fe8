package tally;

import static org.assertj.core.api.Assertions.assertThat;

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
}
