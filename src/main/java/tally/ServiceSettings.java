package tally;

import tally.counting.CountingSettings;
import tally.counting.SessionSettings;
import tally.counting.VisitSettings;
import tally.frame.config.SettingReader;
import tally.frame.redis.CacheSettings;
import tally.live.EventSettings;

/**
 * What can be configured of the counter; {@code reference.conf} says what each value means.
 *
 * <p>Immutable.
 */
public record ServiceSettings(
        VisitSettings visits,
        CountingSettings counting,
        SessionSettings session,
        CacheSettings cache,
        EventSettings events) {

    static ServiceSettings read(SettingReader read) {
        return new ServiceSettings(
                VisitSettings.read(read),
                CountingSettings.read(read),
                SessionSettings.read(read),
                CacheSettings.read(read),
                EventSettings.read(read));
    }
}
