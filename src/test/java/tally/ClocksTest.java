package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The clock of a replica may show anything: times are Redis', and waits are counted by a clock that nobody sets. */
class ClocksTest {

    private static final Pattern WALL_CLOCK = Pattern.compile(
            "Instant\\.now|currentTimeMillis|(Local|Offset|Zoned)Date(Time)?\\.now|Clock\\.system|new Date\\(");

    @Test
    void noReplicaAsksItsOwnClockForTheTime() throws IOException {
        try (var sources = Files.walk(Path.of("src/main/java"))) {
            assertThat(sources.filter(Files::isRegularFile))
                    .isNotEmpty()
                    .allSatisfy(source -> assertThat(Files.readString(source)).doesNotContainPattern(WALL_CLOCK));
        }
    }
}
