package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tally.support.Eventually;
import tally.support.RealRedis;
import tally.support.TestTally;

class SessionsTest {

    private static final String JSON = "application/json";
    private static TestTally one;
    private static TestTally two;
    private static TestTally three;

    @BeforeAll
    static void start() {
        one = TestTally.start();
        two = TestTally.start();
        three = TestTally.start();
    }

    @AfterAll
    static void stop() {
        one.close();
        two.close();
        three.close();
    }

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    void thePageBeginsASessionThatEveryReplicaKnows() {
        var first = browse(one, "");
        assertThat(first.header("Set-Cookie"))
                .matches("tally-session=[0-9a-f]{32}; Path=/;.* HttpOnly; SameSite=Lax")
                .contains("Max-Age=1800")
                .doesNotContain("Secure");
        var cookie = first.cookie();
        assertThat(browse(two, cookie).cookie()).isEqualTo(cookie);
        var session = three.get("/api/session", "Cookie", cookie).json();
        assertThat(session.required("visits").asLong()).isEqualTo(2);
        assertThat(session.required("expiresInSeconds").asLong()).isBetween(1780L, 1800L);
        assertThat(session.required("firstSeen").asText())
                .isLessThanOrEqualTo(session.required("lastSeen").asText())
                .endsWith("Z");
        assertThat(session.required("data")).isEmpty();
    }

    @Test
    void aRequestThatIsRepeatedIsOneVisitOfTheSession() {
        var cookie = browse(one, "").cookie();
        for (var replica : List.of(one, two)) {
            replica.get(
                    "/",
                    "Accept",
                    "text/html",
                    "User-Agent",
                    "Mozilla/5.0 Firefox",
                    "Cookie",
                    cookie,
                    "X-Request-Id",
                    "repeated");
        }
        assertThat(one.get("/api/session", "Cookie", cookie)
                        .json()
                        .required("visits")
                        .asLong())
                .isEqualTo(2);
        browse(two, cookie);
        assertThat(one.get("/api/session", "Cookie", cookie)
                        .json()
                        .required("visits")
                        .asLong())
                .isEqualTo(3);
    }

    @Test
    void behindTlsTheCookieIsSecure() {
        assertThat(one.get(
                                "/",
                                "Accept",
                                "text/html",
                                "User-Agent",
                                "Mozilla/5.0 Firefox",
                                "X-Forwarded-Proto",
                                "https")
                        .header("Set-Cookie"))
                .contains("; Secure");
    }

    @Test
    void whoDidNotAskGetsNone() {
        assertThat(one.get("/").header("Set-Cookie")).isEmpty();
        assertThat(one.get("/badge/total.svg").header("Set-Cookie")).isEmpty();
        assertThat(one.send("POST", "/api/visits/home", "").header("Set-Cookie"))
                .isEmpty();
        assertThat(one.get("/", "Accept", "text/html", "User-Agent", "Examplebot/1.0")
                        .header("Set-Cookie"))
                .isEmpty();
        assertThat(one.get("/api/session").status()).isEqualTo(404);
        try (var redis = RealRedis.shared().connect()) {
            assertThat(redis.keys("tally:session:*")).isEmpty();
        }
    }

    @Test
    void anIdThatIsNoSessionIsAsNone() {
        for (var id : new String[] {"x", "../../etc", "0".repeat(32), "A".repeat(32)}) {
            var cookie = "tally-session=" + id;
            assertThat(one.get("/api/session", "Cookie", cookie).status())
                    .as(id)
                    .isEqualTo(404);
            assertThat(browse(one, cookie).cookie())
                    .as("a new one, never the client's own")
                    .isNotEqualTo(cookie);
        }
    }

    @Test
    void putCreatesAndMerges() {
        var created = put("", "{\"theme\":\"dark\",\"lang\":\"de\"}");
        assertThat(created.status()).isEqualTo(200);
        var cookie = created.cookie();
        assertThat(put(cookie, "{\"lang\":\"en\"}").json().required("data").toString())
                .isEqualTo("{\"lang\":\"en\",\"theme\":\"dark\"}");
        assertThat(two.get("/api/session", "Cookie", cookie)
                        .json()
                        .required("data")
                        .toString())
                .isEqualTo("{\"lang\":\"en\",\"theme\":\"dark\"}");
        assertThat(two.get("/api/session", "Cookie", cookie)
                        .json()
                        .required("visits")
                        .asLong())
                .isZero();
    }

    @Test
    void whatIsNoFlatObjectOfStringsIsRefused() {
        for (var body :
                new String[] {"", "[]", "1", "{", "{\"a\":1}", "{\"a\":{}}", "{\"a\":null}", "{\"\":\"a\"}", "{} {}"}) {
            assertThat(one.send("PUT", "/api/session", body.isEmpty() ? " " : body, "Content-Type", JSON)
                            .status())
                    .as(body)
                    .isEqualTo(400);
        }
        assertThat(one.send("PUT", "/api/session", "{}", "Content-Type", "text/plain")
                        .status())
                .isEqualTo(415);
    }

    @Test
    void whatIsNoTextInUtf8IsRefused() {
        for (var escaped : List.of("\\ud800", "\\udc00", "a\\udbffb")) {
            assertThat(put("", "{\"a\":\"" + escaped + "\"}").status())
                    .as(escaped)
                    .isEqualTo(400);
            assertThat(put("", "{\"" + escaped + "\":\"a\"}").status())
                    .as(escaped)
                    .isEqualTo(400);
        }
        assertThat(put("", "{\"a\":\"\\ud83d\\ude00\"}").json().at("/data/a").asText())
                .isEqualTo("\ud83d\ude00");
        // Overlong, half of a character, cut off: as bytes, each as one character here.
        for (var bytes :
                List.of("{\"a\":\"\u00c0\u00af\"}", "{\"a\":\"\u00ed\u00a0\u0080\"}", "{\"a\":\"\u00e2\u0082\"}")) {
            assertThat(one.sendBytes(
                                    "PUT",
                                    "/api/session",
                                    bytes.getBytes(StandardCharsets.ISO_8859_1),
                                    "Content-Type",
                                    JSON)
                            .status())
                    .isEqualTo(400);
        }
        for (var charset : List.of("UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE")) {
            assertThat(one.sendBytes(
                                    "PUT",
                                    "/api/session",
                                    "{\"a\":\"b\"}".getBytes(Charset.forName(charset)),
                                    "Content-Type",
                                    JSON)
                            .status())
                    .as(charset)
                    .isEqualTo(400);
        }
    }

    @Test
    void whatIsTooMuchIsRefusedWithTheLimit() {
        assertTooMuch(put("", fields(0, 21)), "20 fields");
        assertTooMuch(put("", "{\"" + "n".repeat(65) + "\":\"v\"}"), "64 bytes");
        assertTooMuch(put("", "{\"n\":\"" + "v".repeat(1025) + "\"}"), "1024 bytes");
        assertTooMuch(put("", "{\"n\":\"" + "v".repeat(70_000) + "\"}"), "");
        var full = "{\"a\":\"%1$s\",\"b\":\"%1$s\",\"c\":\"%1$s\",\"d\":\"%2$s\"}"
                .formatted("v".repeat(1023), "v".repeat(1023));
        assertTooMuch(put("", full.replace("\"a\"", "\"aa\"")), "4096 bytes");
        assertTooMuch(put(put("", full).cookie(), "{\"e\":\"\"}"), "4096 bytes");
        var cookie = put("", fields(0, 20)).cookie();
        assertTooMuch(put(cookie, fields(20, 21)), "20 fields");
        assertThat(put(cookie, fields(19, 20)).status()).isEqualTo(200);
    }

    @Test
    void anEndedSessionIsEndedOnEveryReplica() {
        var cookie = browse(one, "").cookie();
        var ended = two.send("DELETE", "/api/session", "", "Cookie", cookie);
        assertThat(ended.status()).isEqualTo(204);
        assertThat(ended.header("Set-Cookie")).contains("Expires=Thu, 01 Jan 1970");
        assertThat(three.get("/api/session", "Cookie", cookie).status()).isEqualTo(404);
        assertThat(one.send("DELETE", "/api/session", "").status()).isEqualTo(204);
    }

    @Test
    void aSessionEndsByItselfAndLivesOnWhileItIsUsed() {
        try (var shortLived = TestTally.start("--session-ttl", "10s");
                var redis = RealRedis.shared().connect()) {
            var cookie = browse(shortLived, "").cookie();
            var key = redis.keys("tally:session:*").iterator().next();
            assertThat(redis.pttl(key)).isBetween(1L, 10_000L);
            // As after so much of its time.
            redis.pexpire(key, 900);
            assertThat(browse(shortLived, cookie).cookie()).isEqualTo(cookie);
            assertThat(redis.pttl(key)).isBetween(1000L, 10_000L);
            redis.pexpire(key, 900);
            assertThat(put(shortLived, cookie, "{\"a\":\"b\"}").status()).isEqualTo(200);
            assertThat(redis.pttl(key)).isBetween(1000L, 10_000L);
            // Reading it would be a use.
            redis.pexpire(key, 100);
            Eventually.isTrue("it has ended", () -> !redis.exists(key));
            assertThat(shortLived.get("/api/session", "Cookie", cookie).status())
                    .isEqualTo(404);
            assertThat(browse(shortLived, cookie).cookie()).isNotEqualTo(cookie);
        }
    }

    @Test
    void readingWritesNothingWithinAMinute() {
        var cookie = browse(one, "").cookie();
        try (var redis = RealRedis.shared().connect()) {
            var before = redis.info("persistence");
            one.get("/api/session", "Cookie", cookie);
            assertThat(changes(redis.info("persistence"))).isEqualTo(changes(before));
            redis.pexpire(redis.keys("tally:session:*").iterator().next(), 1_000_000);
            one.get("/api/session", "Cookie", cookie);
            assertThat(redis.ttl(redis.keys("tally:session:*").iterator().next()))
                    .isGreaterThan(1700);
        }
    }

    @Test
    void withOrWithoutASessionOnePersonIsOneVisitor() {
        var cookie = browse(one, "").cookie();
        browse(two, cookie);
        browse(one, "");
        one.send("POST", "/api/visits/home", "", "User-Agent", "Mozilla/5.0 Firefox");
        one.get("/");
        try (var fresh = TestTally.start("--cache-ttl", "0s")) {
            assertThat(fresh.get("/api/stats").json().required("visitorsToday").asLong())
                    .isEqualTo(1);
        }
    }

    @Test
    void whereThereIsNoRoomNoneBeginsAndNoneEndsForAnother() {
        try (var small = TestTally.start("--session-max-memory", "20KiB")) {
            var innocent = browse(small, "").cookie();
            var last = put(small, "", "{\"a\":\"b\"}");
            var cookie = last.cookie();
            while (last.status() == 200) {
                cookie = last.cookie();
                last = put(small, "", "{\"a\":\"" + "b".repeat(1000) + "\"}");
            }
            assertNoRoom(last);
            assertNoRoom(put(small, cookie, "{\"m\":\"%1$s\",\"n\":\"%1$s\"}".formatted("b".repeat(1000))));
            assertThat(put(small, cookie, "{\"a\":\"less\"}").status()).isEqualTo(200);
            var page = browse(small, "");
            assertThat(page.header("Set-Cookie"))
                    .as("some room is kept for sessions without data")
                    .isNotEmpty();
            for (int i = 0; !page.header("Set-Cookie").isEmpty(); i++) {
                assertThat(i).isLessThan(100);
                page = browse(small, "");
            }
            assertThat(page.status()).as("counted without a session").isEqualTo(200);
            assertThat(page.body()).contains(">" + one.get("/api/visits").visits() + "</output>");
            assertThat(browse(small, innocent).cookie()).isEqualTo(innocent);
            assertThat(small.get("/api/session", "Cookie", innocent)
                            .json()
                            .required("visits")
                            .asLong())
                    .isEqualTo(2);
            assertThat(small.get("/metrics").body()).containsPattern("tally_sessions_refused_total [1-9]");
            small.send("DELETE", "/api/session", "", "Cookie", innocent);
            assertThat(browse(small, "").header("Set-Cookie"))
                    .as("there is room once another has ended")
                    .isNotEmpty();
        }
    }

    @Test
    @Tag("long")
    void whatAllSessionsTakeIsKnownAndNoLessThanRedisSays() {
        var cookies = new ArrayList<String>();
        var random = new Random(42);
        for (int i = 0; i < 200; i++) {
            var cookie = cookies.isEmpty() || random.nextInt(3) == 0 ? "" : cookies.get(random.nextInt(cookies.size()));
            switch (random.nextInt(5)) {
                case 0, 1 -> cookies.add(browse(one, cookie).cookie());
                case 2 -> two.send("DELETE", "/api/session", "", "Cookie", cookie);
                default ->
                    cookies.add(
                            put(cookie, "{\"f" + random.nextInt(20) + "\":\"" + "v".repeat(random.nextInt(500)) + "\"}")
                                    .cookie());
            }
            cookies.remove("");
        }
        try (var redis = RealRedis.shared().connect()) {
            var sessions = redis.keys("tally:session:*");
            assertThat(sessions).hasSizeGreaterThan(20);
            assertThat(redis.zrange("tally:sessions", 0, -1))
                    .containsExactlyInAnyOrderElementsOf(sessions.stream()
                            .map(key -> redis.hget(key, "size") + ":" + key)
                            .toList());
            long known = sessions.stream()
                    .mapToLong(key -> Long.parseLong(redis.hget(key, "size")))
                    .sum();
            assertThat(redis.get("tally:sessions:bytes")).isEqualTo(Long.toString(known));
            long used = sessions.stream().mapToLong(redis::memoryUsage).sum() + redis.memoryUsage("tally:sessions", 0);
            assertThat(used).isLessThan(known);
            var now = redis.time();
            for (var key : sessions) {
                double end = Long.parseLong(now.getFirst()) * 1000.0
                        + Long.parseLong(now.getLast()) / 1000.0
                        + redis.pttl(key);
                assertThat(redis.zscore("tally:sessions", redis.hget(key, "size") + ":" + key))
                        .isEqualTo(end, within(2000.0));
            }
        }
    }

    @Test
    void sessionsThatEndByThemselvesLeaveTheBooks() {
        try (var shortLived = TestTally.start("--session-ttl", "300ms", "--session-max-memory", "2000")) {
            while (!browse(shortLived, "").header("Set-Cookie").isEmpty()) {
                Thread.onSpinWait();
            }
            Eventually.isTrue(
                    "there is room again",
                    () -> !browse(shortLived, "").header("Set-Cookie").isEmpty());
            try (var redis = RealRedis.shared().connect()) {
                assertThat(redis.zcard("tally:sessions")).isLessThanOrEqualTo(3);
                assertThat(Long.parseLong(redis.get("tally:sessions:bytes"))).isLessThanOrEqualTo(2000);
            }
        }
    }

    /** What a step back of Redis' clock leaves behind: all that it keeps has so much longer to live. */
    @Test
    void sessionsDoNotLiveOnWhenRedisClockIsSetBack() {
        var used = browse(one, "").cookie();
        var unused = browse(one, "").cookie();
        try (var redis = RealRedis.shared().connect()) {
            for (var key : redis.keys("tally:session:*")) {
                redis.pexpire(key, Duration.ofDays(14).toMillis());
                redis.zincrby(
                        "tally:sessions", (double) Duration.ofDays(14).toMillis(), redis.hget(key, "size") + ":" + key);
            }
            assertThat(one.get("/api/session", "Cookie", used)
                            .json()
                            .required("expiresInSeconds")
                            .asLong())
                    .isEqualTo(1800);
            browse(one, "");
            assertThat(redis.keys("tally:session:*"))
                    .hasSize(3)
                    .allSatisfy(key -> assertThat(redis.ttl(key)).isBetween(1780L, 1800L));
            var last =
                    redis.zrangeWithScores("tally:sessions", -1, -1).getFirst().getScore();
            assertThat((long) last)
                    .isLessThanOrEqualTo(Long.parseLong(redis.time().getFirst()) * 1000 + 1_801_000);
        }
        assertThat(browse(two, unused).cookie()).isEqualTo(unused);
    }

    private static void assertNoRoom(TestTally.Answer answer) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        assertThat(answer.header("Set-Cookie")).isEmpty();
        assertThat(answer.json().required("detail").asText())
                .contains("no room for more sessions", "session.max-memory");
    }

    private static String changes(String persistence) {
        return persistence
                .lines()
                .filter(line -> line.startsWith("rdb_changes_since_last_save"))
                .collect(Collectors.joining());
    }

    private static TestTally.Answer browse(TestTally service, String cookie) {
        return service.get("/", "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox", "Cookie", cookie);
    }

    private static TestTally.Answer put(String cookie, String body) {
        return put(one, cookie, body);
    }

    private static TestTally.Answer put(TestTally service, String cookie, String body) {
        return service.send("PUT", "/api/session", body, "Content-Type", JSON, "Cookie", cookie);
    }

    private static String fields(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> "\"f" + i + "\":\"v\"")
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static void assertTooMuch(TestTally.Answer answer, String limit) {
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.json().required("detail").asText()).contains(limit);
    }
}
