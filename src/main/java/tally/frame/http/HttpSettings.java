package tally.frame.http;

import java.time.Duration;
import tally.frame.config.SettingReader;

/** Where HTTP is spoken and what a client may take of it; {@code maxBody} is in bytes. Immutable. */
public record HttpSettings(String host, int port, int maxInFlight, long maxBody, Duration idleTimeout) {

    public static HttpSettings read(SettingReader read) {
        return new HttpSettings(
                read.text("host"),
                read.whole("port", 0, 65_535),
                read.whole("http.max-in-flight", 1, 100_000),
                read.size("http.max-body"),
                read.time("http.idle-timeout"));
    }
}
