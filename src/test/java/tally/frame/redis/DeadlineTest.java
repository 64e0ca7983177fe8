package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** All that some work asks of Redis shares what is left of its time. */
class DeadlineTest {

    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration DAY = Duration.ofDays(1);

    @Test
    void aWaitIsNoLongerThanWhatIsLeftNorThanItsOwnMost() {
        assertThat(Deadline.<Duration, RuntimeException>within(HOUR, () -> Deadline.left(DAY)))
                .isBetween(HOUR.minusMinutes(1), HOUR);
        assertThat(Deadline.<Duration, RuntimeException>within(DAY, () -> Deadline.left(HOUR)))
                .isEqualTo(HOUR);
        assertThat(Deadline.left(HOUR)).as("where there is no deadline").isEqualTo(HOUR);
    }

    @Test
    void whatIsOverEndsAsAWaitForRedisWould() {
        assertThatThrownBy(() -> Deadline.within(Duration.ZERO, () -> Deadline.left(HOUR)))
                .isInstanceOf(JedisConnectionException.class)
                .hasCauseInstanceOf(SocketTimeoutException.class);
        // Less than a millisecond is no time: zero would be for ever.
        assertThatThrownBy(() -> Deadline.within(Duration.ofNanos(999_999), () -> Deadline.left(HOUR)))
                .isInstanceOf(JedisConnectionException.class);
    }

    @Test
    void theEndIsThatOfTheWorkElseThatTimeFromNow() {
        long now = System.nanoTime();
        assertThat(Deadline.endOr(HOUR) - now)
                .isBetween(HOUR.toNanos(), HOUR.plusMinutes(1).toNanos());
        assertThat(Deadline.<Long, RuntimeException>within(DAY, () -> Deadline.endOr(HOUR)) - now)
                .isBetween(DAY.toNanos(), DAY.plusMinutes(1).toNanos());
    }
}
