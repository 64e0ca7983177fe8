package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import tally.support.Eventually;

/** What is written to standard error when something fails that should not. */
class MistakeLogTest {

    private final PrintStream before = System.err;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final MistakeLog mistakes = new MistakeLog(LoggerFactory.getLogger("tally.mistakes-test"));

    @BeforeEach
    void listen() {
        System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void putBack() {
        System.setErr(before);
    }

    @Test
    void oneKindIsWrittenOnceASecondAndAnotherBesideIt() {
        for (int i = 0; i < 100; i++) {
            mistakes.log("GET /a failed", new IllegalStateException("one"));
            mistakes.log("GET /b failed", new IllegalArgumentException("other"));
        }
        assertThat(lines("GET /a failed")).isLessThanOrEqualTo(2);
        assertThat(lines("GET /b failed")).isLessThanOrEqualTo(2);
        assertThat(lines("IllegalStateException: one")).isPositive();
        Eventually.isTrue("it is written again", () -> {
            mistakes.log("GET /a failed", new IllegalStateException("one"));
            return lines("GET /a failed, and ") > 0;
        });
    }

    private long lines(String text) {
        return written.toString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains(text))
                .count();
    }
}
