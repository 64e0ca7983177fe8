package tally.counting;

import org.jspecify.annotations.Nullable;
import tally.frame.redis.Unavailable;

/**
 * Counts as they stand in Redis, where others may have written as well: what is none is a 503 that names it, never a
 * wrong number.
 */
final class StoredCount {

    /** Beyond it a number in a script or in a sorted set is no longer exact. */
    private static final long MOST = 1L << 53;

    private StoredCount() {}

    /** 0 where there is none. */
    static long count(String key, @Nullable String text) {
        if (text == null) {
            return 0;
        }
        try {
            return count(key, Long.parseLong(text));
        } catch (NumberFormatException foreign) {
            throw none(key);
        }
    }

    /** Of a sorted set; 0 where there is none. */
    static long count(String key, @Nullable Double score) {
        if (score == null) {
            return 0;
        }
        if (score != Math.rint(score)) {
            throw none(key);
        }
        return count(key, score.longValue());
    }

    private static long count(String key, long number) {
        if (number < 0 || number > MOST) {
            throw none(key);
        }
        return number;
    }

    private static Unavailable none(String key) {
        return new Unavailable("What Redis holds as " + key + " is not a count");
    }
}
