package tally;

import com.typesafe.config.Config;
import tally.counting.CountingSettings;
import tally.counting.SessionSettings;
import tally.counting.VisitSettings;
import tally.frame.config.InvalidSetting;
import tally.frame.config.SettingReader;
import tally.frame.http.HttpSettings;
import tally.frame.http.StopSettings;
import tally.frame.redis.CacheSettings;
import tally.frame.redis.RedisSettings;
import tally.live.EventSettings;

/**
 * What can be configured, read and checked once at the start; {@code reference.conf} says what each value means.
 *
 * <p>Immutable.
 */
public record Settings(
        HttpSettings http,
        StopSettings stop,
        RedisSettings redis,
        CacheSettings cache,
        VisitSettings visits,
        CountingSettings counting,
        SessionSettings session,
        EventSettings events,
        String message,
        boolean debug) {

    /** A value that is not what it must be, or the sample password in production, is an {@link InvalidSetting}. */
    public static Settings of(Config config) {
        var read = new SettingReader(config);
        if (read.flag("production") && read.text("redis.password").startsWith("tally-sample-")) {
            throw new InvalidSetting(
                    ("redis.password: is the sample of the repository, which is not for production (from %s); "
                                    + "scripts/secrets.sh makes one")
                            .formatted(read.origin("redis.password")));
        }
        return new Settings(
                HttpSettings.read(read),
                StopSettings.read(read),
                RedisSettings.read(read),
                CacheSettings.read(read),
                VisitSettings.read(read),
                CountingSettings.read(read),
                SessionSettings.read(read),
                EventSettings.read(read),
                read.text("message"),
                read.flag("debug"));
    }
}
