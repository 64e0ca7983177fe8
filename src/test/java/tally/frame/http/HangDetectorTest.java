package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import tally.support.Eventually;

/** By a clock that the test sets, as far as the beat lets it. */
class HangDetectorTest {

    private final AtomicLong clock = new AtomicLong();
    private final HangDetector pulse = new HangDetector(clock::get);

    @Test
    void whoHungForTenSecondsKnowsItBeforeAndASecondAfterTheNextBeat() {
        clock.addAndGet(HangDetector.HUNG.toNanos());
        assertThat(pulse.isAfterAHang()).isFalse();
        clock.addAndGet(1);
        assertThat(pulse.isAfterAHang()).as("before the beat").isTrue();
        pulse.beat();
        assertThat(pulse.isAfterAHang()).as("after the beat").isTrue();
        clock.addAndGet(Duration.ofSeconds(1).toNanos() - 1);
        assertThat(pulse.isAfterAHang()).isTrue();
        clock.addAndGet(1);
        assertThat(pulse.isAfterAHang()).as("a second later").isFalse();
    }

    @Test
    void whoBeatsInTimeHasNotHung() {
        for (int i = 0; i < 5; i++) {
            clock.addAndGet(HangDetector.HUNG.toNanos());
            pulse.beat();
            assertThat(pulse.isAfterAHang()).isFalse();
        }
    }

    @Test
    void itBeatsByItselfUntilItIsStopped() {
        pulse.start();
        clock.addAndGet(HangDetector.HUNG.toNanos() + 1);
        Eventually.isTrue("a beat", () -> {
            // As if a second went by with each look.
            clock.addAndGet(Duration.ofSeconds(1).toNanos());
            return !pulse.isAfterAHang();
        });
        pulse.stop();
    }
}
