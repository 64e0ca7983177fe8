package tally;

import com.typesafe.config.Config;
import tally.frame.config.InvalidSetting;
import tally.frame.config.SettingReader;
import tally.frame.http.HttpSettings;
import tally.frame.http.StopSettings;
import tally.frame.redis.RedisSettings;

/**
 * What can be configured, read and checked once at the start; {@code reference.conf} says what each value means.
 *
 * <p>Immutable.
 */
public record Settings(
        HttpSettings http,
        StopSettings stop,
        RedisSettings redis,
        ServiceSettings service,
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
                ServiceSettings.read(read),
                read.text("message"),
                read.flag("debug"));
    }
}
