package tally;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class BadgeTest {

    private static Service service;

    @BeforeAll
    static void start() {
        RealRedis.shared().empty();
        service = Service.start();
        service.send("POST", "/api/visits/home", "");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @Test
    void aBadgeShowsTheCountAndCountsNothing() {
        var badge = service.get("/badge/home.svg");
        assertThat(badge.header("Content-Type")).startsWith("image/svg+xml");
        assertThat(badge.header("Cache-Control")).isEqualTo("public, max-age=5");
        assertThat(badge.body()).startsWith("<svg ").contains("<title id=\"t\">visits: 1</title>").contains(">1</text>");
        assertThat(service.get("/badge/total.svg").body()).contains("visits: 1");
        assertThat(service.get("/badge/never.svg").body()).contains("visits: 0");
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
    }

    @Test
    void anUnchangedBadgeIsNotSentAgain() {
        var etag = service.get("/badge/home.svg").header("ETag");
        assertThat(etag).matches("\"[^\"]+\"");
        var again = service.get("/badge/home.svg", "If-None-Match", etag);
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
    }

    @Test
    void labelAndColorCanBeChosen() {
        assertThat(service.get("/badge/home.svg?label=hits&color=f80").body()).contains("hits: 1").contains("#ff8800");
        assertThat(service.get("/badge/home.svg?color=green").body()).contains("#1d6b45");
    }

    @Test
    void aLabelIsEscapedAndNeverMarkup() {
        assertThat(service.get("/badge/home.svg?label=%3Cscript%3E%26%22").body()).contains("&lt;script&gt;&amp;&quot;").doesNotContain("<script");
    }

    @Test
    void whatIsNoLabelOrColorIsRefused() {
        assertThat(service.get("/badge/home.svg?label=" + "a".repeat(41)).status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?label=%0A%00").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?label=a%01b").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?color=red%22/%3E").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?color=ffff").status()).isEqualTo(400);
    }
}
