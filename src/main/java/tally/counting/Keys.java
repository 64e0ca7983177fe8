package tally.counting;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.ZAddParams;

/**
 * The table of what stands in Redis. Nobody else makes the name of a key.
 *
 * <p>All names begin with {@code tally:}, the total's apart. A cluster keeps keys on one node only if they share a hash
 * tag, and a script may touch no others: there the names begin with <code>{visit_count}:</code>, which puts them beside
 * the total. Redis is asked which of both it is before the first name is made; what was counted before by the other
 * names is taken over then.
 *
 * <p>Thread-safe.
 */
public final class Keys {

    /** On which every replica hears of new counts. */
    public static final String CHANNEL = "tally:events";

    private static final String ALONE = "tally:";
    private static final Pattern NOT_NOW = Pattern.compile("(LOADING|BUSY|MASTERDOWN|NOAUTH|WRONGPASS)\\b");
    private static final String IN_CLUSTER = "{visit_count}:";

    private final UnifiedJedis redis;
    private volatile @Nullable String prefix;

    public Keys(UnifiedJedis redis) {
        this.redis = redis;
    }

    /** A string: all visits. */
    public String total() {
        return "visit_count";
    }

    /** A sorted set: the visits of each page, and of each site. */
    public String pages() {
        return prefix() + "pages";
    }

    /** A string: the visits of a minute, for 2 hours. */
    String minute(long epochMinute) {
        return prefix() + "minute:" + epochMinute;
    }

    /**
     * A hash: the visits of that day in UTC, of each page and of each site, and of all under the empty name; for 2
     * days.
     */
    String day(Instant time) {
        return prefix() + "day:" + date(time);
    }

    /** A HyperLogLog: the visitors of that day in UTC, for 8 days. */
    String visitors(Instant time) {
        return prefix() + "visitors:" + date(time);
    }

    /** A HyperLogLog: the visitors of a site on that day in UTC, for 8 days. */
    String visitors(Instant time, String site) {
        return visitors(time) + ":" + site;
    }

    /** A string: with what the visitors of that day in UTC are made into hashes, until the day is over. */
    String salt(Instant time) {
        return prefix() + "salt:" + date(time);
    }

    /** A hash: how many new names a caller has asked for within that hour, for 2 hours. */
    String newNames(Instant time) {
        return prefix() + "new-names:" + Math.floorDiv(time.getEpochSecond(), 3600L);
    }

    private static LocalDate date(Instant time) {
        return LocalDate.ofInstant(time, ZoneOffset.UTC);
    }

    /**
     * A hash: which of the next three is written now, and since when; three hashes of request ids and the numbers that
     * they got; and a key that never is, on which the right to let go of one is tried out.
     */
    List<String> seen() {
        var seen = prefix() + "seen";
        return List.of(seen, seen + ":0", seen + ":1", seen + ":2", seen + ":none");
    }

    /** A hash: one session, for {@code session.ttl}. */
    String session(String id) {
        return prefix() + "session:" + id;
    }

    /** A sorted set: the size and the name of each session, by its end. */
    String sessions() {
        return prefix() + "sessions";
    }

    /** A string: the bytes that all sessions take. */
    String sessionsBytes() {
        return prefix() + "sessions:bytes";
    }

    /**
     * A string: a cached value, for {@code cache.ttl} and {@code cache.stale}. Beside it, with {@code :lock} at its
     * end: who makes it anew, for 2 seconds.
     */
    public String cached(String what) {
        return prefix() + "cache:" + what;
    }

    /** A key of each kind, by which rights are tried out; nothing is written to them. */
    public List<String> oneOfEach() {
        return List.of(
                total(),
                pages(),
                minute(0),
                visitors(Instant.EPOCH),
                session("none"),
                sessions(),
                cached("none"),
                seen().getLast(),
                day(Instant.EPOCH),
                salt(Instant.EPOCH),
                newNames(Instant.EPOCH));
    }

    private String prefix() {
        var known = prefix;
        if (known == null) {
            known = isCluster() ? IN_CLUSTER : ALONE;
            if (known.equals(IN_CLUSTER)) {
                takeOver();
            }
            prefix = known;
        }
        return known;
    }

    private boolean isCluster() {
        try {
            return redis.info("cluster").contains("cluster_enabled:1");
        } catch (JedisDataException refused) {
            if (NOT_NOW.matcher(refused.getMessage()).lookingAt()) {
                throw refused;
            }
            // It tells nobody, as some managed ones.
            return false;
        }
    }

    /** Each replica does it before it counts, and none overwrites what another has: so it may be done twice at once. */
    private void takeOver() {
        for (var page : redis.zrangeWithScores(ALONE + "pages", 0, -1)) {
            redis.zadd(
                    IN_CLUSTER + "pages",
                    page.getScore(),
                    page.getElement(),
                    ZAddParams.zAddParams().nx());
        }
        redis.unlink(ALONE + "pages");
    }
}
