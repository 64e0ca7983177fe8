package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import tally.frame.redis.Unavailable;

/** What Redis holds as a count: a whole number up to where numbers in a script are exact, and nothing else. */
class StoredCountTest {

    private static final long MOST = 1L << 53;

    @Test
    void aCountIsTakenUpToTheLastThatIsExact() {
        assertThat(StoredCount.count("key", (String) null)).isZero();
        assertThat(StoredCount.count("key", "0")).isZero();
        assertThat(StoredCount.count("key", Long.toString(MOST))).isEqualTo(MOST);
        assertThat(StoredCount.count("key", (Double) null)).isZero();
        assertThat(StoredCount.count("key", 7.0)).isEqualTo(7);
        assertThat(StoredCount.count("key", (double) MOST)).isEqualTo(MOST);
    }

    @Test
    void whatIsNoneIsRefusedByName() {
        for (var text : List.of("", "many", "1.5", "-1", Long.toString(MOST + 1), "99999999999999999999")) {
            assertThatThrownBy(() -> StoredCount.count("key", text))
                    .as(text)
                    .isInstanceOf(Unavailable.class)
                    .hasMessage("What Redis holds as key is not a count");
        }
        for (double score : new double[] {1.5, -1, MOST + 2.0, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> StoredCount.count("key", score))
                    .as("%s", score)
                    .isInstanceOf(Unavailable.class)
                    .hasMessage("What Redis holds as key is not a count");
        }
    }
}
