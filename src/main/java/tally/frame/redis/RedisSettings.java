package tally.frame.redis;

import java.time.Duration;
import tally.frame.config.SettingReader;

/**
 * Where Redis is, who asks it, and how long each wait for it may be: {@code redis} in {@code reference.conf}.
 *
 * <p>Immutable.
 */
public record RedisSettings(
        String host,
        int port,
        int database,
        String user,
        String password,
        boolean tls,
        String tlsCa,
        Duration connectTimeout,
        Duration timeout,
        int poolSize,
        Duration poolWait) {

    private static final Duration LEAST_PER_REQUEST = Duration.ofSeconds(2);

    public static RedisSettings read(SettingReader read) {
        return new RedisSettings(
                read.text("redis.host"),
                read.whole("redis.port", 1, 65_535),
                read.whole("redis.database", 0, 1_000_000),
                read.text("redis.user"),
                read.text("redis.password"),
                read.flag("redis.tls"),
                read.text("redis.tls-ca"),
                read.time("redis.connect-timeout"),
                read.time("redis.timeout"),
                read.whole("redis.pool-size", 1, 10_000),
                read.time("redis.pool-wait"));
    }

    /** For all that a request asks of Redis: a write may have to wait for the one before it. */
    public Duration perRequest() {
        var two = timeout.multipliedBy(2);
        return two.compareTo(LEAST_PER_REQUEST) > 0 ? two : LEAST_PER_REQUEST;
    }
}
