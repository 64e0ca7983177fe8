package tally.frame.http;

import java.time.Duration;
import tally.frame.config.SettingReader;

/** How long a stop is announced, and how long requests under way may then take: {@code stop}. Immutable. */
public record StopSettings(Duration announce, Duration drain) {

    public static StopSettings read(SettingReader read) {
        return new StopSettings(read.time("stop.announce"), read.time("stop.drain"));
    }
}
