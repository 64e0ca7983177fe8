package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import tally.support.RealRedis;
import tally.support.TestTally;

/** The books of how much memory all sessions take, whatever others or older versions left in them. */
class SessionBooksTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final String ANOTHER = "fedcba9876543210fedcba9876543210";
    private static TestTally service;
    private final Jedis redis = RealRedis.shared().connect();

    @BeforeAll
    static void start() {
        service = TestTally.start("--session-max-memory", "20KiB");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @BeforeEach
    void empty() {
        redis.flushAll();
    }

    @AfterEach
    void close() {
        redis.close();
    }

    @Test
    void aQuarterIsKeptForSessionsWithoutData() {
        while (put("", "{\"a\":\"" + "b".repeat(1000) + "\"}").status() == 200) {
            assertThat(bytes()).isLessThanOrEqualTo(20 * 1024 * 3 / 4);
        }
        for (int i = 0; i < 8; i++) {
            assertThat(browse("")).as("session without data " + i).isNotEmpty();
        }
    }

    @Test
    void whoeverIsKnownIsNotRefusedAVisitThoughTheBooksAreFull() {
        redis.set("tally:sessions:bytes", Long.toString(20 * 1024));
        redis.zadd("tally:sessions", 9e15, "20480:tally:session:" + ANOTHER);
        // As an older version kept it, which had no books.
        redis.hset("tally:session:" + ID, Map.of("visits", "1", "first", "1", "last", "1"));
        assertThat(browse(ID)).isEqualTo(ID);
        assertThat(redis.hget("tally:session:" + ID, "visits")).isEqualTo("2");
    }

    @Test
    void whatHasEndedLeavesTheBooksWhileOthersAreInThem() {
        browse("");
        long one = bytes();
        redis.zadd("tally:sessions", 1, "5000:tally:session:" + ANOTHER);
        redis.incrBy("tally:sessions:bytes", 5000);
        browse("");
        assertThat(bytes()).isEqualTo(2 * one);
        assertThat(redis.zcard("tally:sessions")).isEqualTo(2);
    }

    @Test
    void whereNoneIsInTheBooksNoneTakesAByte() {
        redis.set("tally:sessions:bytes", "1000000");
        assertThat(browse("")).isNotEmpty();
        assertThat(bytes()).isLessThan(1000);
    }

    @Test
    void whatIsUnderTheKeyAndIsNoSessionIsAsNone() {
        redis.rpush("tally:session:" + ID, "a list");
        assertThat(service.get("/api/session", "Cookie", "tally-session=" + ID).status())
                .isEqualTo(404);
        assertThat(browse(ID)).isNotEmpty().isNotEqualTo(ID);
    }

    @Test
    void whatIsPutIntoAnEndedSessionBeginsAnother() {
        var put = put(ID, "{\"a\":\"b\"}");
        assertThat(put.status()).isEqualTo(200);
        assertThat(put.header("Set-Cookie")).startsWith("tally-session=").doesNotContain(ID);
        assertThat(redis.exists("tally:session:" + ID)).isFalse();
    }

    private long bytes() {
        return Long.parseLong(redis.get("tally:sessions:bytes"));
    }

    /** The id that the page's cookie has then; empty where it has none. */
    private static String browse(String id) {
        var answer = service.get(
                "/", "Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox", "Cookie", "tally-session=" + id);
        assertThat(answer.status()).isEqualTo(200);
        return answer.header("Set-Cookie").replaceFirst("tally-session=([0-9a-f]*).*", "$1");
    }

    private static TestTally.Answer put(String id, String body) {
        return service.send(
                "PUT", "/api/session", body, "Content-Type", "application/json", "Cookie", "tally-session=" + id);
    }
}
