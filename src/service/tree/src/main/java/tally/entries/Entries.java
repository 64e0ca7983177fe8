package tally.entries;

import java.util.List;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.http.RequestId;
import tally.frame.redis.LuaScript;

/**
 * The entries of the guestbook, each written exactly once, by one call to Redis.
 *
 * <p>Nginx may send a request again under the same id. Then the entry is not written again, and has the number of the
 * first time: entries.lua keeps the number of each id for as long as Nginx may send it. The newest entries are kept, as
 * many as the settings say.
 *
 * <p>Thread-safe. What stands in Redis is in the table of keys below, and nowhere else.
 */
public final class Entries {

    /** In braces, so that a Redis Cluster keeps all of them on one node. */
    private static final String PREFIX = "{tally}:";
    /** A list: each entry as JSON, the newest first. */
    private static final String LIST = PREFIX + "entries";
    /** A string: how many entries there ever were. */
    private static final String NUMBER = PREFIX + "number";
    /** Strings: the number that a request id got, for {@link RequestId#KNOWN}. */
    private static final String SEEN = PREFIX + "seen:";
    /** What stands in front of the keys of a trial, which are gone after it. */
    private static final String TRIAL = PREFIX + "trial:";

    private static final int SHOWN = 50;

    private final UnifiedJedis redis;
    private final LuaScript script;
    private final String most;

    public Entries(UnifiedJedis redis, EntrySettings settings) {
        this.redis = redis;
        script = new LuaScript(redis, "/entries.lua");
        most = Integer.toString(settings.most());
    }

    /** Writes an entry, unless this request id has written one already; the entry's number. */
    long write(String requestId, String name, String text) {
        return call(List.of(LIST, NUMBER, SEEN + requestId), name, text, false);
    }

    /** Does all that {@link #write} does, on keys of its own, and removes them; fails as it would. */
    public void tryOut() {
        call(List.of(TRIAL + "entries", TRIAL + "number", TRIAL + "seen"), "", "", true);
    }

    private long call(List<String> keys, String name, String text, boolean isTrial) {
        var known = Long.toString(RequestId.KNOWN.toMillis());
        return (Long) script.call(keys, List.of(name, text, most, known, isTrial ? "1" : "0"));
    }

    /** How many entries there ever were. */
    long total() {
        var number = redis.get(NUMBER);
        return number == null ? 0 : Long.parseLong(number);
    }

    /** The newest entries, the last one first, each as the JSON that was stored. */
    List<String> newest() {
        return redis.lrange(LIST, 0, SHOWN - 1);
    }

    /** A key of each kind, by which rights are tried out. */
    public List<String> oneKeyOfEach() {
        return List.of(TRIAL + "entries", TRIAL + "number", TRIAL + "seen");
    }
}
