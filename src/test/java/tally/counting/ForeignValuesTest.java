package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import redis.clients.jedis.Jedis;
import tally.support.RealRedis;
import tally.support.TestTally;

/**
 * What others may have put under each of our keys, and every route asked while it is there: an answer or a 503 that
 * says what is wrong, never a 500, never a visit that is counted and refused; and all is well once it is gone.
 */
class ForeignValuesTest {

    private static final String SESSION = "0123456789abcdef0123456789abcdef";
    private static final Map<String, BiConsumer<Jedis, String>> VALUES = new LinkedHashMap<>();
    private static TestTally service;

    static {
        for (var text : List.of(
                "",
                "garbage",
                "-5",
                "1.5",
                "1e9",
                "nan",
                "9007199254740993",
                "99999999999999999999",
                "{\"value\":5}")) {
            VALUES.put("the text '" + text + "'", (redis, key) -> redis.set(key, text));
        }
        VALUES.put("a list", (redis, key) -> redis.rpush(key, "a"));
        VALUES.put("a set", (redis, key) -> redis.sadd(key, "a"));
        VALUES.put("a hash", (redis, key) -> redis.hset(key, "a", "b"));
        VALUES.put(
                "a hash of garbage",
                (redis, key) -> redis.hset(
                        key, Map.of("visits", "many", "first", "0", "last", "0", "size", "x", "data:a", "b")));
        VALUES.put(
                "a hash of times that are none",
                (redis, key) -> redis.hset(
                        key,
                        Map.of(
                                "visits",
                                "1",
                                "first",
                                "99999999999999999999",
                                "last",
                                "-1",
                                "size",
                                "-1",
                                "twice",
                                "-7")));
        VALUES.put(
                "a sorted set of names that are none",
                (redis, key) -> redis.zadd(key, Map.of("../x", 5.0, "evil\nname", 6.0, "total", 7.0)));
        VALUES.put(
                "a sorted set of great numbers",
                (redis, key) -> redis.zadd(key, Map.of("home", 9.1e15, "b", Double.POSITIVE_INFINITY)));
        VALUES.put(
                "a sorted set of numbers that are no counts",
                (redis, key) -> redis.zadd(key, Map.of("home", -1.5, "600:a", 1.0)));
    }

    @BeforeAll
    static void start() {
        service = TestTally.start("--cache-ttl", "0s", "--cache-stale", "1ms");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @TestFactory
    Stream<DynamicTest> noneIsEverA500() {
        long now = Instant.now().getEpochSecond();
        var today = LocalDate.ofInstant(Instant.ofEpochSecond(now), ZoneOffset.UTC);
        return Stream.of(
                        "visit_count",
                        "tally:pages",
                        "tally:minute:" + now / 60,
                        "tally:visitors:" + today,
                        "tally:visitors:" + today + ":blog.example",
                        "tally:day:" + today,
                        "tally:salt:" + today,
                        "tally:new-names:" + now / 3600,
                        "tally:cache:stats",
                        "tally:cache:stats:lock",
                        "tally:seen:" + now / 15,
                        "tally:session:" + SESSION,
                        "tally:sessions",
                        "tally:sessions:bytes")
                .flatMap(key -> VALUES.entrySet().stream()
                        .map(value -> dynamicTest(key + " is " + value.getKey(), () -> check(key, value.getValue()))));
    }

    private static void check(String key, BiConsumer<Jedis, String> put) {
        RealRedis.shared().empty();
        try (var redis = RealRedis.shared().connect()) {
            put.accept(redis, key);
            for (var answer : askAll(redis)) {
                assertThat(answer.status()).as(answer.body()).isIn(200, 204, 404, 409, 503);
                if (answer.status() == 503) {
                    assertThat(answer.header("Retry-After")).isEqualTo("1");
                    assertThat(reason(answer))
                            .containsAnyOf(
                                    "is not a count",
                                    "is not a number",
                                    "WRONGTYPE",
                                    "not an integer",
                                    "no room for more sessions");
                }
            }
            redis.del(key);
            assertThat(service.get("/api/stats").json().required("topPages").toString())
                    .doesNotContain("../x", "evil", "total");
            for (var answer : askAll(redis)) {
                assertThat(answer.status())
                        .as("once it is gone: " + answer.body())
                        .isIn(200, 204, 404);
            }
        }
    }

    private static String reason(TestTally.Answer answer) {
        return answer.header("Content-Type").equals("image/svg+xml")
                ? answer.body().replaceFirst("(?s)</title>.*", "")
                : answer.json().at("/detail").asText()
                        + answer.json().at("/redis/error").asText();
    }

    private static List<TestTally.Answer> askAll(Jedis redis) {
        String[] browser = {
            "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox", "Cookie", "tally-session=" + SESSION
        };
        var cookie = new String[] {"Cookie", "tally-session=" + SESSION, "Content-Type", "application/json"};
        return List.of(
                counted(redis, "GET", "/", "X-Request-Id", "twice"),
                counted(redis, "GET", "/", browser),
                counted(redis, "POST", "/api/visits/home", cookie),
                counted(redis, "POST", "/count/blog.example/a", browser),
                service.get("/api/visitors"),
                service.get("/api/visitors/blog.example"),
                service.get("/api/visits"),
                service.get("/api/visits/home"),
                counted(redis, "GET", "/badge/home.svg?count", browser),
                service.get("/badge/home.svg"),
                service.get("/badge/total.svg"),
                service.get("/api/stats"),
                service.get("/api/session", cookie),
                service.send("PUT", "/api/session", "{\"a\":\"b\"}", cookie),
                service.send("DELETE", "/api/session", "", cookie),
                service.get("/health"));
    }

    /** A visit that is refused has moved nothing. */
    private static TestTally.Answer counted(Jedis redis, String method, String path, String... headers) {
        var before = total(redis);
        var answer = service.send(method, path, "", headers);
        if (answer.status() != 200) {
            assertThat(total(redis)).as("the total, after " + answer.body()).isEqualTo(before);
        }
        return answer;
    }

    private static String total(Jedis redis) {
        return redis.type("visit_count").equals("string") ? redis.get("visit_count") : "none";
    }
}
