package tally;

import tally.entries.EntrySettings;
import tally.frame.config.SettingReader;

/**
 * What can be configured of the guestbook; {@code reference.conf} says what each value means.
 *
 * <p>Immutable.
 */
public record ServiceSettings(EntrySettings entries) {

    static ServiceSettings read(SettingReader read) {
        return new ServiceSettings(EntrySettings.read(read));
    }
}
