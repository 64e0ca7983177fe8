package tally.counting;

import java.time.Duration;
import tally.frame.config.SettingReader;

/** How long a session lives after its last use, and how many bytes all may take: {@code session}. Immutable. */
public record SessionSettings(Duration ttl, long maxMemory) {

    public static SessionSettings read(SettingReader read) {
        return new SessionSettings(read.time("session.ttl"), read.size("session.max-memory"));
    }
}
