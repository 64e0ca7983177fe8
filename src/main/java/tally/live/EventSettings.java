package tally.live;

import tally.frame.config.SettingReader;

/** How many pages may be open at once: {@code events}. Immutable. */
public record EventSettings(int maxClients) {

    public static EventSettings read(SettingReader read) {
        return new EventSettings(read.whole("events.max-clients", 0, 1_000_000));
    }
}
