package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SessionsTest {

    private static final String JSON = "application/json";
    private static Service one;
    private static Service two;
    private static Service three;

    @BeforeAll
    static void start() {
        one = Service.start();
        two = Service.start();
        three = Service.start();
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
        assertThat(first.header("Set-Cookie")).matches("tally-session=[0-9a-f]{32}; Path=/;.* HttpOnly; SameSite=Lax")
                .contains("Max-Age=1800").doesNotContain("Secure");
        var cookie = cookie(first);
        assertThat(cookie(browse(two, cookie))).isEqualTo(cookie);
        var session = three.get("/api/session", "Cookie", cookie).json();
        assertThat(session.required("visits").asLong()).isEqualTo(2);
        assertThat(session.required("expiresInSeconds").asLong()).isBetween(1780L, 1800L);
        assertThat(session.required("firstSeen").asText()).isLessThanOrEqualTo(session.required("lastSeen").asText()).endsWith("Z");
        assertThat(session.required("data")).isEmpty();
    }

    @Test
    void aRequestThatIsRepeatedIsOneVisitOfTheSession() {
        var cookie = cookie(browse(one, ""));
        for (var replica : List.of(one, two)) {
            replica.get("/", "Accept", "text/html", "User-Agent", "Firefox", "Cookie", cookie, "X-Request-Id", "repeated");
        }
        assertThat(one.get("/api/session", "Cookie", cookie).json().required("visits").asLong()).isEqualTo(2);
        browse(two, cookie);
        assertThat(one.get("/api/session", "Cookie", cookie).json().required("visits").asLong()).isEqualTo(3);
    }

    @Test
    void behindTlsTheCookieIsSecure() {
        assertThat(one.get("/", "Accept", "text/html", "User-Agent", "Firefox", "X-Forwarded-Proto", "https").header("Set-Cookie"))
                .contains("; Secure");
    }

    @Test
    void whoDidNotAskGetsNone() {
        assertThat(one.get("/").header("Set-Cookie")).isEmpty();
        assertThat(one.get("/badge/total.svg").header("Set-Cookie")).isEmpty();
        assertThat(one.send("POST", "/api/visits/home", "").header("Set-Cookie")).isEmpty();
        assertThat(one.get("/", "Accept", "text/html", "User-Agent", "Examplebot/1.0").header("Set-Cookie")).isEmpty();
        assertThat(one.get("/api/session").status()).isEqualTo(404);
        try (var redis = RealRedis.shared().connect()) {
            assertThat(redis.keys("tally:session:*")).isEmpty();
        }
    }

    @Test
    void anIdThatIsNoSessionIsAsNone() {
        for (var id : new String[] {"x", "../../etc", "0".repeat(32), "A".repeat(32)}) {
            var cookie = "tally-session=" + id;
            assertThat(one.get("/api/session", "Cookie", cookie).status()).as(id).isEqualTo(404);
            assertThat(cookie(browse(one, cookie))).as("a new one, never the client's own").isNotEqualTo(cookie);
        }
    }

    @Test
    void putCreatesAndMerges() {
        var created = put("", "{\"theme\":\"dark\",\"lang\":\"de\"}");
        assertThat(created.status()).isEqualTo(200);
        var cookie = cookie(created);
        assertThat(put(cookie, "{\"lang\":\"en\"}").json().required("data").toString()).isEqualTo("{\"lang\":\"en\",\"theme\":\"dark\"}");
        assertThat(two.get("/api/session", "Cookie", cookie).json().required("data").toString()).isEqualTo("{\"lang\":\"en\",\"theme\":\"dark\"}");
        assertThat(two.get("/api/session", "Cookie", cookie).json().required("visits").asLong()).isZero();
    }

    @Test
    void whatIsNoFlatObjectOfStringsIsRefused() {
        for (var body : new String[] {"", "[]", "1", "{", "{\"a\":1}", "{\"a\":{}}", "{\"a\":null}", "{\"\":\"a\"}", "{} {}"}) {
            assertThat(one.send("PUT", "/api/session", body.isEmpty() ? " " : body, "Content-Type", JSON).status()).as(body).isEqualTo(400);
        }
        assertThat(one.send("PUT", "/api/session", "{}", "Content-Type", "text/plain").status()).isEqualTo(415);
    }

    @Test
    void whatIsTooMuchIsRefusedWithTheLimit() {
        assertTooMuch(put("", fields(0, 21)), "20 fields");
        assertTooMuch(put("", "{\"" + "n".repeat(65) + "\":\"v\"}"), "64 bytes");
        assertTooMuch(put("", "{\"n\":\"" + "v".repeat(1025) + "\"}"), "1024 bytes");
        assertTooMuch(put("", "{\"n\":\"" + "v".repeat(70_000) + "\"}"), "");
        var cookie = cookie(put("", fields(0, 20)));
        assertTooMuch(put(cookie, fields(20, 21)), "20 fields");
        assertThat(put(cookie, fields(19, 20)).status()).isEqualTo(200);
    }

    @Test
    void anEndedSessionIsEndedOnEveryReplica() {
        var cookie = cookie(browse(one, ""));
        var ended = two.send("DELETE", "/api/session", "", "Cookie", cookie);
        assertThat(ended.status()).isEqualTo(204);
        assertThat(ended.header("Set-Cookie")).contains("Expires=Thu, 01 Jan 1970");
        assertThat(three.get("/api/session", "Cookie", cookie).status()).isEqualTo(404);
        assertThat(one.send("DELETE", "/api/session", "").status()).isEqualTo(204);
    }

    @Test
    void aSessionEndsByItselfAndLivesOnWhileItIsUsed() throws InterruptedException {
        try (var shortLived = Service.start("--session-ttl", "1500ms")) {
            var cookie = cookie(browse(shortLived, ""));
            for (int i = 0; i < 3; i++) {
                Thread.sleep(800);
                assertThat(cookie(browse(shortLived, cookie))).isEqualTo(cookie);
            }
            // Reading it would be a use.
            Thread.sleep(1700);
            assertThat(shortLived.get("/api/session", "Cookie", cookie).status()).isEqualTo(404);
        }
    }

    @Test
    void readingWritesNothingWithinAMinute() {
        var cookie = cookie(browse(one, ""));
        try (var redis = RealRedis.shared().connect()) {
            var before = redis.info("persistence");
            one.get("/api/session", "Cookie", cookie);
            assertThat(changes(redis.info("persistence"))).isEqualTo(changes(before));
            redis.pexpire(redis.keys("tally:session:*").iterator().next(), 1_000_000);
            one.get("/api/session", "Cookie", cookie);
            assertThat(redis.ttl(redis.keys("tally:session:*").iterator().next())).isGreaterThan(1700);
        }
    }

    @Test
    void visitorsOfTodayAreSessions() {
        var cookie = cookie(browse(one, ""));
        browse(two, cookie);
        browse(one, "");
        one.send("POST", "/api/visits/home", "", "Cookie", cookie);
        one.get("/");
        try (var fresh = Service.start("--cache-ttl", "0s")) {
            assertThat(fresh.get("/api/stats").json().required("visitorsToday").asLong()).isEqualTo(2);
        }
    }

    private static String changes(String persistence) {
        return persistence.lines().filter(line -> line.startsWith("rdb_changes_since_last_save")).collect(Collectors.joining());
    }

    private static Service.Answer browse(Service service, String cookie) {
        return service.get("/", "Accept", "text/html", "User-Agent", "Firefox", "Cookie", cookie);
    }

    private static Service.Answer put(String cookie, String body) {
        return one.send("PUT", "/api/session", body, "Content-Type", JSON, "Cookie", cookie);
    }

    private static String cookie(Service.Answer answer) {
        return answer.header("Set-Cookie").split(";")[0];
    }

    private static String fields(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "\"f" + i + "\":\"v\"").collect(Collectors.joining(",", "{", "}"));
    }

    private static void assertTooMuch(Service.Answer answer, String limit) {
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.json().required("detail").asText()).contains(limit);
    }
}
