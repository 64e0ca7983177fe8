package tally.frame.redis;

import java.time.Duration;
import tally.frame.config.SettingReader;

/**
 * How long a cached value is fresh, and for how long after that it is served while another is made: {@code cache}.
 * Immutable.
 */
public record CacheSettings(Duration ttl, Duration stale) {

    private static final Duration MOST = Duration.ofMinutes(1);

    public static CacheSettings read(SettingReader read) {
        return new CacheSettings(read.time("cache.ttl", MOST, "1 minute"), read.time("cache.stale", MOST, "1 minute"));
    }
}
