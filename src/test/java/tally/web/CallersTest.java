package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tally.support.RealRedis;
import tally.support.TestTally;

/** Who is counted, as what, and how many names one may make. */
class CallersTest {

    private static final String BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private static final String BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    private static TestTally service;

    @BeforeAll
    static void start() {
        service = TestTally.start("--cache-ttl", "0s", "--cache-stale", "1ms", "--counting-new-names", "3");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                BOT,
                "facebookexternalhit/1.1",
                "Twitterbot/1.0",
                "Slackbot-LinkExpanding 1.0",
                "curl/8.5.0",
                "python-requests/2.32",
                "WhatsApp/2.23.20.0",
                "UnheardOfCrawler/0.1",
                "Mozilla/5.0 (compatible; NewBot/1)",
                " "
            })
    void aBotIsAnsweredAndNotCountedWhereItMayNotMeanIt(String agent) {
        service.send("POST", "/count/blog.example/a", "", "User-Agent", BROWSER);
        var page = service.get("/", "Accept", "text/html", "User-Agent", agent);
        assertThat(page.body()).contains(">1</output>");
        assertThat(page.header("Set-Cookie")).isEmpty();
        assertThat(service.send("POST", "/count/blog.example/a", "", "User-Agent", agent)
                        .body())
                .isEqualTo("{\"page\":\"blog.example/a\",\"visits\":1,\"site\":1,\"total\":1}");
        assertThat(service.get("/api/visits").visits()).isEqualTo(1);
        assertThat(service.send("POST", "/api/visits/blog.example/a", "", "User-Agent", agent)
                        .visits())
                .as("who asks by name")
                .isEqualTo(2);
        assertThat(service.get("/", "User-Agent", agent).visits())
                .as("who asks for JSON")
                .isEqualTo(3);
        assertThat(service.get("/api/visitors").json().required("today").asLong())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                BROWSER,
                "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
            })
    void aBrowserIsCounted(String agent) {
        assertThat(service.send("POST", "/count/blog.example/a", "", "User-Agent", agent)
                        .visits())
                .isEqualTo(1);
        assertThat(service.get("/", "Accept", "text/html", "User-Agent", agent).body())
                .contains(">2</output>");
        assertThat(service.get("/api/visitors").json().required("today").asLong())
                .isEqualTo(1);
    }

    @Test
    void whereBotsAreCountedTheyAreButAreNoVisitors() {
        try (var open = TestTally.start("--counting-bots", "true", "--cache-ttl", "0s")) {
            assertThat(open.send("POST", "/count/blog.example/a", "", "User-Agent", BOT)
                            .visits())
                    .isEqualTo(1);
            assertThat(open.get("/", "Accept", "text/html", "User-Agent", BOT).body())
                    .contains(">2</output>");
            assertThat(open.get("/api/visitors").json().required("today").asLong())
                    .isZero();
        }
    }

    @Test
    void aPageThatAsksTwiceWithOneIdIsCountedOnceAndReadingCountsNobody() {
        for (var id : List.of("0.25", "0.25", "0.5")) {
            service.send("POST", "/count/blog.example/a?id=" + id, "", "User-Agent", BROWSER);
        }
        var read = service.get("/count/blog.example/a?id=0.75", "User-Agent", BROWSER);
        assertThat(read.body()).isEqualTo("{\"page\":\"blog.example/a\",\"visits\":2,\"site\":2,\"total\":2}");
        var refused = service.send("POST", "/count/blog.example/a?id=a%20b", "", "User-Agent", BROWSER);
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.body()).contains("id must be 1 to 128 letters");
        assertThat(service.get("/api/visits").visits()).isEqualTo(2);
    }

    @Test
    void aBrowserThatOnlyPreparesForAVisitMakesNone() {
        for (var header : List.of(
                "Sec-Purpose: prefetch",
                "Sec-Purpose: prefetch;prerender",
                "Purpose: prefetch",
                "X-Purpose: preview",
                "X-Moz: prefetch")) {
            var purpose = header.split(": ", 2);
            service.get("/", "Accept", "text/html", "User-Agent", BROWSER, purpose[0], purpose[1]);
            service.send("POST", "/count/blog.example/a", "", "User-Agent", BROWSER, purpose[0], purpose[1]);
            assertThat(service.get("/api/visits").visits()).as(header).isZero();
        }
    }

    @Test
    void aVisitorIsAnAddressAndABrowserOnceADayForEachSiteAndInAll() {
        visit("/count/a.example/1", "192.0.2.1", BROWSER);
        visit("/count/a.example/2", "192.0.2.1", BROWSER);
        visit("/count/a.example/2", "::ffff:192.0.2.1", BROWSER);
        visit("/count/a.example/1", "192.0.2.1", BROWSER + " other");
        visit("/count/b.example/1", "192.0.2.1", BROWSER);
        visit("/count/b.example/1", "2001:db8::1", BROWSER);
        visit("/count/b.example/1", "2001:db8::2", BROWSER);
        visit("/count/b.example/1", "2001:db8:0:1::2", BROWSER);
        visit("/count/b.example/1", "garbage", BOT);
        assertThat(service.get("/api/visitors/a.example").body())
                .isEqualTo("{\"site\":\"a.example\",\"today\":2,\"yesterday\":0}");
        assertThat(service.get("/api/visitors/b.example").body())
                .isEqualTo("{\"site\":\"b.example\",\"today\":3,\"yesterday\":0}");
        assertThat(service.get("/api/visitors").body()).isEqualTo("{\"today\":4,\"yesterday\":0}");
        assertThat(service.get("/api/visitors/a.example/1").status()).isEqualTo(400);
    }

    @Test
    void noAddressAndNoBrowserIsStored() {
        try (var fresh = TestTally.start();
                var redis = RealRedis.shared().connect()) {
            fresh.send("POST", "/count/a.example/1", "", "User-Agent", BROWSER, "X-Forwarded-For", "192.0.2.1");
            for (var key : redis.keys("*")) {
                assertThat(new String(redis.dump(key), StandardCharsets.ISO_8859_1))
                        .as(key)
                        .doesNotContain("192.0.2", "c0000201", "Firefox");
            }
            var salt = redis.keys("tally:salt:*").iterator().next();
            assertThat(redis.get(salt)).hasSize(32);
            assertThat(redis.ttl(salt)).isBetween(1L, 86_400L + 60);
        }
    }

    @Test
    void anotherReplicaKnowsTheSameVisitors() {
        try (var one = TestTally.start();
                var other = TestTally.start()) {
            for (var replica : List.of(one, other)) {
                replica.send("POST", "/count/a.example/1", "", "User-Agent", BROWSER, "X-Forwarded-For", "192.0.2.1");
            }
            assertThat(service.get("/api/visitors").json().required("today").asLong())
                    .isEqualTo(1);
        }
    }

    @Test
    void oneAddressMakesSoManyNewNamesAnHourAndOthersGoOn() {
        for (int i = 1; i <= 3; i++) {
            assertThat(visit("/api/visits/junk-" + i, "192.0.2.1", "curl").status())
                    .isEqualTo(200);
        }
        var refused = visit("/count/junk.example/4", "192.0.2.1", BROWSER);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.header("Retry-After")).isEqualTo("3600");
        assertThat(refused.json().required("detail").asText())
                .isEqualTo("Too many new names came from this address within the hour");
        assertThat(visit("/api/visits/junk-1", "192.0.2.1", "curl").visits())
                .as("a name that is there")
                .isEqualTo(2);
        assertThat(visit("/count/blog.example/new", "192.0.2.2", BROWSER).status())
                .isEqualTo(200);
        assertThat(service.get("/api/visits").visits()).isEqualTo(5);
        assertThat(service.get("/api/visits/junk.example").visits()).isZero();
    }

    private static TestTally.Answer visit(String path, String address, String agent) {
        return service.send("POST", path, "", "User-Agent", agent, "X-Forwarded-For", address);
    }
}
