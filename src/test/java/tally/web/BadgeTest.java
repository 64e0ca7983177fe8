package tally.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.javalin.http.BadRequestResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tally.support.RealRedis;
import tally.support.TestTally;

class BadgeTest {

    private static TestTally service;

    @BeforeAll
    static void start() {
        RealRedis.shared().empty();
        service = TestTally.start();
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
    void whatCannotBeDecodedIsRefused() {
        for (var query : List.of("label=%zz", "label=a%", "label=%c", "color=%g0", "other=%zz")) {
            assertThat(service.raw("GET /badge/home.svg?" + query + " HTTP/1.1")).as(query).startsWith("HTTP/1.1 400");
        }
        assertThat(service.raw("GET /badge/home.svg?label=100%25 HTTP/1.1")).startsWith("HTTP/1.1 200");
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
    void itIsDrawnLikeThis() {
        assertThat(Badge.of("Ai", "f80").with(1234)).isEqualTo("""
                <svg xmlns="http://www.w3.org/2000/svg" width="68" height="20" viewBox="0 0 68 20" role="img" aria-labelledby="t">
                <title id="t">Ai: 1,234</title>
                <clipPath id="r"><rect width="68" height="20" rx="4"/></clipPath>
                <g clip-path="url(#r)"><rect width="24" height="20" fill="#3a424c"/><rect x="24" width="44" height="20" fill="#ff8800"/></g>
                <g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">
                <text x="12" y="14" fill="#fff" textLength="12">Ai</text>
                <text x="46" y="14" fill="#111418" textLength="32">1,234</text>
                </g>
                </svg>
                """);
        assertThat(Badge.of("a", null).with(1)).contains("<text x=\"9.5\" ", "<text x=\"28.5\" ");
    }

    /** Ten of each, with six pixels at each side. */
    @ParameterizedTest
    @CsvSource({"i, 49", "|, 49", "f, 58", "-, 58", "m, 114", "@, 114", "A, 90", "Z, 90", "[, 82", "a, 82", "0, 82", "\u2e7f, 82", "\u2e80, 122", "\u732b, 122"})
    void aLabelHasTheRoomThatItsLettersTake(String letter, int width) {
        assertThat(Badge.of(letter.repeat(10), null).with(1)).contains("<rect width=\"%d\" height=\"20\" fill=\"#3a424c\"/>".formatted(width));
    }

    /** By the contrast of WCAG 2.2 with either: just below and just above where they are the same, and each of the three colours. */
    @ParameterizedTest
    @CsvSource({"000000, #fff", "ffffff, #111418", "757575, #fff", "767676, #111418", "ff0000, #111418", "c00000, #fff", "00ff00, #111418",
        "008800, #fff", "0000ff, #fff", "000060, #fff", "807800, #111418", "707800, #fff", "7078ff, #111418", "0a7e00, #fff", "007e0a, #fff"})
    void theNumberIsBlackOrWhiteWhicheverReadsBetter(String color, String text) {
        assertThat(Badge.of(null, color).with(1)).containsPattern("y=\"14\" fill=\"%s\" textLength=\"7\">1</text>".formatted(text));
    }

    @Test
    void aLabelHasFortyLettersAtMostWhateverTheyTakeInMemory() {
        assertThat(Badge.of("a".repeat(40), null).label()).hasSize(40);
        assertThat(Badge.of("\ud83d\ude00".repeat(40), null).label()).hasSize(80);
        assertThat(Badge.of(" a ", null).label()).isEqualTo("a");
        assertThat(Badge.of(null, null)).isEqualTo(new Badge("visits", "1d6b45"));
        for (var label : List.of("a".repeat(41), "\ud83d\ude00".repeat(41), " ", "a\ud800", "a\ufffe", "a\uffff")) {
            assertThatThrownBy(() -> Badge.of(label, null)).isInstanceOf(BadRequestResponse.class).hasMessage("label must be 1 to 40 printable characters");
        }
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
