package tally.entries;

import tally.frame.config.SettingReader;

/** How many entries are kept: {@code entries} in {@code reference.conf}. */
public record EntrySettings(int most) {

    public static EntrySettings read(SettingReader read) {
        return new EntrySettings(read.whole("entries.most", 1, 100_000));
    }
}
