package tally.entries;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tally.support.RealRedis;
import tally.support.TestTally;

/** What a client of the guestbook sends, and what it is answered. */
class EntryRoutesTest {

    private static TestTally service;

    @BeforeAll
    static void start() {
        service = TestTally.start();
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
    void anEntryIsAnsweredWithItsNumberAndReadByAll() {
        var written = write("{\"name\":\"Ada\",\"text\":\"Hello 😀 \\\"you\\\"\"}");
        assertThat(written.status()).isEqualTo(201);
        assertThat(written.json().required("number").asLong()).isEqualTo(1);
        var read = service.get("/api/entries").json().required("entries");
        assertThat(read).hasSize(1);
        assertThat(read.get(0)).isEqualTo(written.json());
        assertThat(service.get("/").json().required("entries").asLong()).isEqualTo(1);
    }

    @Test
    void aRequestThatNginxRepeatsIsWrittenOnce() {
        var body = "{\"name\":\"Ada\",\"text\":\"once\"}";
        var first = write(body, "X-Request-Id", "the-same");
        var second = write(body, "X-Request-Id", "the-same");
        assertThat(second.status()).isEqualTo(201);
        assertThat(second.body()).isEqualTo(first.body());
        assertThat(service.get("/api/entries").json().required("entries")).hasSize(1);
    }

    @Test
    void whatIsNoEntryIsRefusedAndNotWritten() {
        for (var body : List.of(
                "",
                "[]",
                "{}",
                "{\"name\":\"Ada\"}",
                "{\"name\":\"Ada\",\"text\":1}",
                "{\"name\":\"\",\"text\":\"a\"}",
                "{\"name\":\"%s\",\"text\":\"a\"}".formatted("a".repeat(33)),
                "{\"name\":\"a\",\"text\":\"%s\"}".formatted("a".repeat(201)),
                "{\"name\":\"a\",\"text\":\"a\\nb\"}",
                "{\"name\":\"a\",\"text\":\"\\ud800\"}",
                "{\"name\":\"a\",\"text\":\"b\",\"more\":\"c\"}")) {
            var refused = write(body);
            assertThat(refused.status()).as(body).isEqualTo(400);
            assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
        }
        assertThat(service.send("POST", "/api/entries", "name=Ada", "Content-Type", "text/plain")
                        .status())
                .isEqualTo(415);
        assertThat(service.get("/").json().required("entries").asLong()).isZero();
    }

    @Test
    void theLongestEntryIsCountedInCharacters() {
        var name = "😀".repeat(32);
        var text = "😀".repeat(200);
        assertThat(write("{\"name\":\"%s\",\"text\":\"%s\"}".formatted(name, text)).status())
                .isEqualTo(201);
    }

    private static TestTally.Answer write(String body, String... headers) {
        var all = new String[headers.length + 2];
        all[0] = "Content-Type";
        all[1] = "application/json";
        System.arraycopy(headers, 0, all, 2, headers.length);
        return service.send("POST", "/api/entries", body, all);
    }
}
