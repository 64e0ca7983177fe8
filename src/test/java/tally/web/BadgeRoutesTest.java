package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tally.dev.LocalRedis;
import tally.support.RealRedis;
import tally.support.TestTally;

class BadgeRoutesTest {

    /** GitHub's proxy of images. */
    private static final String[] CAMO = {"User-Agent", "github-camo (876de43e)"};

    private static TestTally service;
    private static TestTally away;

    @BeforeAll
    static void start() {
        RealRedis.shared().empty();
        service = TestTally.start();
        away = TestTally.start("127.0.0.1", LocalRedis.freePort());
        service.send("POST", "/api/visits/home", "");
    }

    @AfterAll
    static void stop() {
        service.close();
        away.close();
    }

    @Test
    void aBadgeShowsTheCountAndCountsNothing() {
        var badge = service.get("/badge/home.svg");
        assertThat(badge.header("Content-Type")).startsWith("image/svg+xml");
        assertThat(badge.header("Cache-Control")).isEqualTo("public, max-age=5");
        assertThat(badge.body())
                .startsWith("<svg ")
                .contains("<title id=\"t\">visits: 1</title>")
                .contains(">1</text>");
        long total = service.get("/api/visits").visits();
        assertThat(service.get("/badge/total.svg").body()).contains("visits: " + total + "<");
        assertThat(service.get("/badge/never.svg").body()).contains("visits: 0");
        assertThat(service.get("/api/visits").visits()).isEqualTo(total);
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
            assertThat(service.raw("GET /badge/home.svg?" + query + " HTTP/1.1"))
                    .as(query)
                    .startsWith("HTTP/1.1 400");
        }
        assertThat(service.raw("GET /badge/home.svg?label=100%25 HTTP/1.1")).startsWith("HTTP/1.1 200");
    }

    @Test
    void labelAndColorCanBeChosen() {
        assertThat(service.get("/badge/home.svg?label=hits&color=f80").body())
                .contains("hits: 1")
                .contains("#ff8800");
        assertThat(service.get("/badge/home.svg?color=green").body()).contains("#1d6b45");
    }

    @Test
    void aLabelIsEscapedAndNeverMarkup() {
        assertThat(service.get("/badge/home.svg?label=%3Cscript%3E%26%22").body())
                .contains("&lt;script&gt;&amp;&quot;")
                .doesNotContain("<script");
    }

    @Test
    void whatIsNoLabelOrColorIsRefused() {
        assertThat(service.get("/badge/home.svg?label=" + "a".repeat(41)).status())
                .isEqualTo(400);
        assertThat(service.get("/badge/home.svg?label=%0A%00").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?label=a%01b").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?color=red%22/%3E").status()).isEqualTo(400);
        assertThat(service.get("/badge/home.svg?color=ffff").status()).isEqualTo(400);
    }

    @Test
    void aLabelHasFortyLettersAtMostWhateverTheyTakeInMemory() {
        assertThat(badge("label", "a".repeat(40)).status()).isEqualTo(200);
        assertThat(badge("label", "\ud83d\ude00".repeat(40)).body()).contains("\ud83d\ude00".repeat(40) + ": 1");
        assertThat(badge("label", " a ").body()).contains("<title id=\"t\">a: 1</title>");
        // Half of a character is none, and is not passed on as one.
        assertThat(service.get("/badge/home.svg?label=a%ED%A0%80").body())
                .contains("a\ufffd")
                .doesNotContain("\ud800");
        for (var label : List.of("a".repeat(41), "\ud83d\ude00".repeat(41), " ", "a\ufffe", "a\uffff")) {
            var refused = badge("label", label);
            assertThat(refused.status()).as(label).isEqualTo(400);
            assertThat(refused.body()).contains("visits: wrong label. label must be 1 to 40 printable characters");
        }
    }

    @Test
    void aBadgeThatCountsShowsTheNumberOfThisVisit() {
        for (int i = 1; i <= 3; i++) {
            assertThat(service.get("/badge/shown.svg?count", CAMO).body()).contains("visits: " + i);
        }
        assertThat(service.get("/api/visits/shown").visits()).isEqualTo(3);
        long total = service.get("/api/visits").visits();
        assertThat(service.get("/badge/total.svg?count=1", CAMO).body()).contains("visits: " + (total + 1));
        assertThat(service.get("/badge/total.json?count=true", CAMO)
                        .json()
                        .required("message")
                        .asText())
                .isEqualTo(Long.toString(total + 2));
        assertThat(service.get("/api/visits").visits()).isEqualTo(total + 2);
    }

    @Test
    void aRetriedShowingIsCountedOnce() {
        String[] request = {"User-Agent", "Mozilla", "X-Request-Id", "one-showing"};
        assertThat(service.get("/badge/retried.svg?count", request).body()).contains("visits: 1");
        assertThat(service.get("/badge/retried.svg?count", request).body()).contains("visits: 1");
        assertThat(service.get("/api/visits/retried").visits()).isEqualTo(1);
    }

    @Test
    void noProxyKeepsABadgeThatCounts() {
        var shown = service.get("/badge/kept.svg?count=", CAMO);
        assertThat(shown.header("Cache-Control")).isEqualTo("no-cache, no-store, max-age=0, must-revalidate");
        assertThat(shown.header("Expires")).isEqualTo("Thu, 01 Jan 1970 00:00:00 GMT");
        assertThat(shown.header("ETag")).isEmpty();
        var known = service.get("/badge/kept.svg").header("ETag");
        var again = service.get("/badge/kept.svg?count", "User-Agent", "Mozilla", "If-None-Match", known);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.body()).contains("visits: 2");
        assertThat(service.get("/badge/kept.svg?count", "User-Agent", "Googlebot")
                        .header("Cache-Control"))
                .contains("no-store");
    }

    @Test
    void whoIsNoVisitorIsShownTheCountAndNotCounted() {
        service.send("POST", "/api/visits/crawled", "");
        for (var query : List.of("?count=0", "?count=false", "")) {
            assertThat(service.get("/badge/crawled.svg" + query, CAMO).body()).contains("visits: 1");
        }
        assertThat(service.get("/badge/crawled.svg?count", "User-Agent", "Googlebot/2.1")
                        .body())
                .contains("visits: 1");
        assertThat(service.get("/api/visits/crawled").visits()).isEqualTo(1);
    }

    @Test
    void headHasTheHeadersOfGetAndCountsNothing() {
        service.send("POST", "/api/visits/head", "");
        for (var address : List.of(
                "head.svg",
                "head.json",
                "total.svg",
                "head.svg?style=pixel",
                "head.svg?count=no",
                "total/x.svg",
                "x.png",
                "a.svg?color=none",
                "a.json?color=none")) {
            assertHeadIsAsGet(service, "/badge/" + address);
        }
        assertHeadIsAsGet(away, "/badge/head.svg");
        assertHeadIsAsGet(away, "/badge/head.json");

        var head = service.send("HEAD", "/badge/head.svg?count", "", CAMO);
        assertThat(head.header("Cache-Control")).contains("no-store");
        assertThat(head.header("ETag")).isEmpty();
        assertThat(service.get("/api/visits/head").visits()).isEqualTo(1);
        var known = service.get("/badge/head.svg").header("ETag");
        assertThat(service.send("HEAD", "/badge/head.svg", "", "If-None-Match", known)
                        .status())
                .isEqualTo(304);
    }

    private static void assertHeadIsAsGet(TestTally service, String address) {
        var get = service.get(address);
        var head = service.send("HEAD", address, "");
        assertThat(head.body()).isEmpty();
        assertThat(head.status()).as(address).isEqualTo(get.status());
        assertThat(head.headers().map()).as(address).isEqualTo(get.headers().map());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "999 | 999",
                "1000 | 1k",
                "1099 | 1k",
                "1100 | 1.1k",
                "1999 | 1.9k",
                "12345 | 12.3k",
                "999999 | 999.9k",
                "1000000 | 1M",
                "1999999 | 1.9M",
                "999999999 | 999.9M",
                "1000000000 | 1B",
                "12345678901 | 12.3B",
                "1000000000000000 | 1000000B"
            })
    void aShortNumberIsNeverMoreThanThereIs(long number, String shown) {
        assertThat(service.get("/badge/none.json?format=1.2k&base=" + number)
                        .json()
                        .required("message")
                        .asText())
                .isEqualTo(shown);
    }

    @Test
    void theNumberCanBeWrittenInThreeWays() {
        assertThat(badge("format", "1,234").body()).contains("visits: 1<");
        assertThat(service.get("/badge/none.svg?base=1234567&format=1,234").body())
                .contains("visits: 1,234,567<");
        assertThat(service.get("/badge/none.svg?base=1234567&format=1%2C234").body())
                .contains("visits: 1,234,567<");
        assertThat(service.get("/badge/none.svg?base=1234567").body()).contains("visits: 1,234,567<");
        assertThat(service.get("/badge/none.svg?base=1234567&format=1234").body())
                .contains("visits: 1234567<");
    }

    @Test
    void whatAnotherCounterHadIsAddedToTheTotalAlone() {
        service.send("POST", "/api/visits/moved", "");
        assertThat(service.get("/badge/moved.svg?base=1000").body()).contains("visits: 1,001<");
        assertThat(service.get("/badge/moved.svg?base=1000&show=both").body()).contains("visits: 1 / 1,001<");
        assertThat(service.get("/badge/moved.svg?base=1000&show=today").body()).contains("visits: 1<");
        assertThat(service.get("/badge/moved.svg?base=1000&count", CAMO).body()).contains("visits: 1,002<");
        assertThat(service.get("/api/visits/moved").visits()).isEqualTo(2);
    }

    @Test
    void aBadgeThatCountsShowsItsVisitInTodaysCount() {
        assertThat(service.get("/badge/daily.svg?count&show=both", CAMO).body()).contains("visits: 1 / 1<");
        assertThat(service.get("/badge/daily.svg?count&show=today", CAMO).body())
                .contains("visits: 2<");
        assertThat(service.get("/badge/total.svg?show=both&format=1234").body())
                .matches("(?s).*visits: (\\d+) / \\1<.*");
    }

    @Test
    void shieldsIoReadsItsOwnSchema() {
        service.send("POST", "/api/visits/json", "");
        var answer = service.get("/badge/json.json?base=1233&label=%22hits%22");
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.header("Cache-Control")).isEqualTo("public, max-age=5");
        assertThat(answer.body())
                .isEqualTo(
                        "{\"schemaVersion\":1,\"label\":\"\\\"hits\\\"\",\"message\":\"1,234\",\"color\":\"1d6b45\"}");
        assertThat(service.get(
                                "/badge/json.json",
                                "If-None-Match",
                                service.get("/badge/json.json").header("ETag"))
                        .status())
                .isEqualTo(304);
        assertThat(service.get("/badge/json.json?style=for-the-badge")
                        .json()
                        .required("style")
                        .asText())
                .isEqualTo("for-the-badge");
        assertThat(service.get("/badge/json.json?style=flat").json().has("style"))
                .isFalse();
        // Which it does not know.
        assertThat(service.get("/badge/json.json?style=pixel").json().has("style"))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "color=none | unknown color",
                "style=plastic | unknown style",
                "format=1 | unknown format",
                "show=week | unknown show",
                "count=2 | unknown count",
                "base=-1 | wrong base",
                "base=1000000000000001 | wrong base",
                "base= | wrong base",
                "label= | wrong label",
                "label=%zz | malformed address"
            })
    void anErrorIsABadgeThatSaysWhichPartIsWrong(String query, String words) {
        assertThat(service.raw("GET /badge/home.svg?" + query + " HTTP/1.1"))
                .startsWith("HTTP/1.1 400")
                .contains("Content-Type: image/svg+xml")
                .contains("Cache-Control: no-store")
                .contains("visits: " + words + ". ")
                .contains("fill=\"#c0342b\"")
                .contains(">" + words + "</text>")
                .doesNotContain("ETag");
        assertThat(service.raw("GET /badge/home.json?" + query + " HTTP/1.1"))
                .startsWith("HTTP/1.1 400")
                .contains("Content-Type: application/json")
                .endsWith("{\"schemaVersion\":1,\"label\":\"visits\",\"message\":\"" + words
                        + "\",\"color\":\"c0342b\",\"isError\":true}");
    }

    @Test
    void whatIsNoNameIsABadgeThatSaysSoAndAnUnknownParameterIsPassedOver() {
        assertThat(service.get("/badge/total/x.svg").status()).isEqualTo(400);
        assertThat(service.get("/badge/total/x.svg").body()).contains(">no such name</text>");
        assertThat(service.get("/badge/home.svg?colour=none&unknown").status()).isEqualTo(200);
    }

    @Test
    void whatIsRefusedIsNotCounted() {
        assertThat(service.get("/badge/refused.svg?count&color=none", CAMO).status())
                .isEqualTo(400);
        assertThat(service.get("/api/visits/refused").visits()).isZero();
    }

    @Test
    void whatCannotBeReadNowIsABadgeThatSaysSo() {
        for (var query : List.of("", "?count", "?show=today")) {
            var answer = away.get("/badge/home.svg" + query, CAMO);
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.header("Content-Type")).isEqualTo("image/svg+xml");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(answer.header("Expires")).isEmpty();
            assertThat(answer.body()).contains(">not available now</text>");
        }
        assertThat(away.get("/badge/home.json").json().required("isError").asBoolean())
                .isTrue();
    }

    @Test
    void whereNothingWasToBeSeenAnErrorIsNotSeen() {
        var pixel = service.get("/badge/home.svg?style=pixel").body();
        var refused = service.get("/badge/home.svg?color=none&style=pixel");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.body()).isEqualTo(pixel).hasSizeLessThan(100);
        assertThat(away.get("/badge/home.svg?style=pixel&count").body()).isEqualTo(pixel);
    }

    @Test
    void aPageTooManyIsABadgeWithoutACount() {
        try (var full = TestTally.start("--visits-max-pages", "0")) {
            var answer = full.get("/badge/new.svg?count", CAMO);
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.body()).contains(">no room for more</text>");
            assertThat(full.get("/badge/new.svg").body()).contains("visits: 0");
        }
    }

    @Test
    void whatIsNoBadgeIsAProblem() {
        for (var path : List.of("/badge/home.png", "/badge/home", "/badge/")) {
            assertThat(service.get(path).status()).isEqualTo(404);
            assertThat(service.get(path).header("Content-Type")).isEqualTo("application/problem+json");
            assertThat(service.send("HEAD", path, "").status()).isEqualTo(404);
        }
        var written = service.send("POST", "/badge/home.svg", "");
        assertThat(written.status()).isEqualTo(405);
        assertThat(written.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @Test
    void noSpellingOfTheAddressMakesAMistakeOfOurs() {
        for (var path : List.of(
                "/badge/home%2Esvg",
                "/badge/home.sv%67",
                "/badg%65/home.svg",
                "//badge/home.svg",
                "/badge//home.svg",
                "/badge/.svg",
                "/badge/home.svg/",
                "/badge/home.svg;a=b",
                "/badge/%2e.svg",
                "/badge/a%2Fb.svg",
                "/badge/a%00.svg",
                "/badge/%ff.svg",
                "/badge/home.svg.json")) {
            for (var method : List.of("GET", "HEAD")) {
                assertThat(service.raw(method + " " + path + "?color=none HTTP/1.1"))
                        .as(path)
                        .matches("(?s)HTTP/1.1 4.*");
            }
        }
    }

    @Test
    void headersThatAreTooLargeAreABadge() {
        var answer = service.get("/badge/home.svg", "X-Long", "a".repeat(9000));
        assertThat(answer.status()).isEqualTo(431);
        assertThat(answer.body()).contains(">malformed request</text>");
    }

    private static TestTally.Answer badge(String parameter, String value) {
        return service.get("/badge/home.svg?" + parameter + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8));
    }
}
