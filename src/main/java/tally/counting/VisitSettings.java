package tally.counting;

import tally.frame.config.SettingReader;

/** How many visits may wait to be counted, and how many pages there may be: {@code visits}. Immutable. */
public record VisitSettings(int maxWaiting, int maxPages) {

    public static VisitSettings read(SettingReader read) {
        return new VisitSettings(
                read.whole("visits.max-waiting", 1, 2_500), read.whole("visits.max-pages", 0, 1_000_000));
    }
}
