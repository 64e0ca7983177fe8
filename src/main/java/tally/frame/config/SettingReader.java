package tally.frame.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.time.Duration;
import java.util.function.Function;

/**
 * Reads values of the merged configuration by their keys, each with its type and its bounds.
 *
 * <p>Immutable. A value of another type or out of its bounds is an {@link InvalidSetting}. The value of a secret is
 * never in a message.
 */
public record SettingReader(Config config) {

    static boolean isSecret(String path) {
        return path.endsWith("password") || path.equals("redis.url");
    }

    public String text(String path) {
        return get(path, "text", config::getString);
    }

    public boolean flag(String path) {
        return get(path, "true or false", config::getBoolean);
    }

    public int whole(String path, int least, int most) {
        var expected = "a whole number from " + least + " to " + most;
        int value = get(path, expected, config::getInt);
        if (value < least || value > most || !text(path).strip().matches("[+-]?\\d+")) {
            throw invalid(path, expected);
        }
        return value;
    }

    /** At most 400 days, from which sums of a few never overflow. */
    public Duration time(String path) {
        return time(path, Duration.ofDays(400), "400 days");
    }

    public Duration time(String path, Duration most, String inWords) {
        var expected = "a time such as 500ms or 10s, at most " + inWords;
        var value = get(path, expected, config::getDuration);
        if (value.isNegative() || value.compareTo(most) > 0) {
            throw invalid(path, expected);
        }
        return value;
    }

    /** In bytes. */
    public long size(String path) {
        var expected = "a size such as 64KiB, at most 1GiB";
        long value = get(path, expected, config::getBytes);
        if (value < 0 || value > 1 << 30) {
            throw invalid(path, expected);
        }
        return value;
    }

    /** Where the value stands: a file and line, a variable, a flag. */
    public String origin(String path) {
        return config.getValue(path).origin().description();
    }

    private <T> T get(String path, String expected, Function<String, T> getter) {
        try {
            return getter.apply(path);
        } catch (ConfigException unreadable) {
            throw invalid(path, expected);
        }
    }

    private InvalidSetting invalid(String path, String expected) {
        var shown = isSecret(path) ? "its value" : "'" + config.getValue(path).unwrapped() + "'";
        return new InvalidSetting(path + ": " + shown + " is not " + expected + " (from " + origin(path) + ")");
    }
}
