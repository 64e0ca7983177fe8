package tally.entries;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashSet;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.http.RequestId;
import tally.support.RealRedis;

/** Each entry once, in the order of their numbers, and no more of them than are to be kept. */
class EntriesTest {

    private UnifiedJedis redis;

    @BeforeEach
    void open() {
        redis = RealRedis.shared().openEmpty();
    }

    @AfterEach
    void close() {
        redis.close();
    }

    @Test
    void theNewestEntryIsTheFirstAndHasTheNextNumber() {
        var entries = new Entries(redis, new EntrySettings(10));
        assertThat(entries.total()).isZero();
        assertThat(entries.newest()).isEmpty();
        assertThat(entries.write("a", "Ada", "first")).isEqualTo(1);
        assertThat(entries.write("b", "Bob", "second")).isEqualTo(2);
        assertThat(entries.total()).isEqualTo(2);
        assertThat(entries.newest()).hasSize(2);
        assertThat(entries.newest().getFirst()).contains("\"number\":2", "\"name\":\"Bob\"", "\"text\":\"second\"");
    }

    @Test
    void aRepeatedRequestIdHasItsNumberAndWritesNothing() {
        var entries = new Entries(redis, new EntrySettings(10));
        assertThat(entries.write("a", "Ada", "first")).isEqualTo(1);
        assertThat(entries.write("b", "Bob", "second")).isEqualTo(2);
        assertThat(entries.write("a", "Ada", "first")).isEqualTo(1);
        assertThat(entries.total()).isEqualTo(2);
        assertThat(entries.newest()).hasSize(2);
    }

    @Test
    void whatIsRepeatedAtOnceByManyIsWrittenOnce() throws Exception {
        var entries = new Entries(redis, new EntrySettings(1000));
        var numbers = new HashSet<Long>();
        try (var threads = Executors.newFixedThreadPool(8)) {
            var asked = IntStream.range(0, 300)
                    .mapToObj(i -> threads.submit(() -> entries.write("id-" + i % 100, "Ada", "text")))
                    .toList();
            for (var one : asked) {
                numbers.add(one.get(20, TimeUnit.SECONDS));
            }
        }
        assertThat(numbers)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.rangeClosed(1, 100).boxed().toList());
        assertThat(redis.llen("{tally}:entries")).isEqualTo(100);
    }

    @Test
    void anIdIsKnownForAsLongAsNginxMaySendIt() {
        new Entries(redis, new EntrySettings(10)).write("a", "Ada", "first");
        var known = Duration.ofMillis(redis.pttl("{tally}:seen:a"));
        assertThat(known)
                .isGreaterThan(RequestId.KNOWN.minusSeconds(10))
                .isLessThanOrEqualTo(RequestId.KNOWN);
    }

    @Test
    void onlyTheNewestAreKept() {
        var entries = new Entries(redis, new EntrySettings(3));
        for (int i = 0; i < 10; i++) {
            entries.write("id-" + i, "Ada", "text");
        }
        assertThat(redis.llen("{tally}:entries")).isEqualTo(3);
        assertThat(entries.newest().getFirst()).contains("\"number\":10");
        assertThat(entries.total()).isEqualTo(10);
    }

    @Test
    void aTrialLeavesNothing() {
        new Entries(redis, new EntrySettings(3)).tryOut();
        assertThat(redis.keys("*")).isEmpty();
    }
}
