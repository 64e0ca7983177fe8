package tally;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import redis.clients.jedis.UnifiedJedis;

/**
 * Knows returning visitors: an opaque random id in a cookie stands for a hash in Redis, so that any replica knows them
 * and one that is ended is ended everywhere.
 *
 * <p>A session lives for {@code session.ttl} after its last use; reading it writes at most once a minute. An id that is
 * malformed, unknown or expired is as none. A request that Nginx repeats is one visit of the session, unless another of
 * the same session came between.
 *
 * <p>Thread-safe. Redis: {@code tally:session:<id>}, a hash of {@code first} and {@code last} (epoch ms), {@code visits},
 * {@code request} (the id of the last visit), and {@code data:<name>}.
 */
final class Sessions {

    static final int MOST_FIELDS = 20;

    private static final Duration TOUCH = Duration.ofMinutes(1);
    private static final String DATA = "data:";
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    /** As {@code GET /api/session} shows it; times in ISO 8601. */
    record Session(long visits, String firstSeen, String lastSeen, long expiresInSeconds, Map<String, String> data) {}

    private final UnifiedJedis redis;
    private final Metrics metrics;
    private final Script script;
    private final SecureRandom random = new SecureRandom();
    private final long ttlMillis;

    Sessions(UnifiedJedis redis, Settings.Session settings, Metrics metrics) {
        this.redis = redis;
        this.metrics = metrics;
        script = new Script(redis, "/session.lua");
        ttlMillis = settings.ttl().toMillis();
    }

    /** The id if there is such a session. */
    Optional<String> known(String id) {
        return isId(id) && redis.exists(key(id)) ? Optional.of(id) : Optional.empty();
    }

    /** Notes a visit, in a new session if there is none by this id; the session's id. {@code requestId} is empty for none. */
    String visit(String id, String requestId) {
        if (isId(id) && change(id, 1, false, requestId, Map.of()) == 1) {
            return id;
        }
        var created = newId();
        change(created, 1, true, requestId, Map.of());
        metrics.sessionCreated();
        return created;
    }

    /** Merges the data, into a new session if there is none by this id; the session's id, or empty where it would be too much. */
    Optional<String> merge(String id, Map<String, String> data) {
        long result = isId(id) ? change(id, 0, false, "", data) : 0;
        var used = id;
        if (result == 0) {
            used = newId();
            result = change(used, 0, true, "", data);
            metrics.sessionCreated();
        }
        return result == 1 ? Optional.of(used) : Optional.empty();
    }

    Optional<Session> read(String id) {
        if (!isId(id)) {
            return Optional.empty();
        }
        var fields = redis.hgetAll(key(id));
        if (fields.isEmpty()) {
            return Optional.empty();
        }
        long expires = redis.pttl(key(id));
        if (ttlMillis - expires >= Math.min(TOUCH.toMillis(), ttlMillis / 2)) {
            redis.pexpire(key(id), ttlMillis);
            expires = ttlMillis;
        }
        return Optional.of(session(fields, expires));
    }

    /** Ends the session, if there is one. */
    void end(String id) {
        if (isId(id)) {
            redis.del(key(id));
        }
    }

    private long change(String id, int visits, boolean create, String requestId, Map<String, String> data) {
        var arguments = new ArrayList<>(List.of(Long.toString(System.currentTimeMillis()), Long.toString(ttlMillis), Integer.toString(visits),
                create ? "1" : "0", Integer.toString(MOST_FIELDS), requestId));
        data.forEach((name, value) -> arguments.addAll(List.of(name, value)));
        return (Long) script.call(List.of(key(id)), arguments);
    }

    private static Session session(Map<String, String> fields, long expiresMillis) {
        var data = new TreeMap<String, String>();
        fields.forEach((name, value) -> {
            if (name.startsWith(DATA)) {
                data.put(name.substring(DATA.length()), value);
            }
        });
        return new Session(Long.parseLong(fields.get("visits")), time(fields.get("first")), time(fields.get("last")),
                expiresMillis / 1000, data);
    }

    private static String time(String epochMillis) {
        return Instant.ofEpochMilli(Long.parseLong(epochMillis)).toString();
    }

    /** 128 bits that nobody can guess. */
    private String newId() {
        var bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static boolean isId(String id) {
        return id != null && ID.matcher(id).matches();
    }

    private static String key(String id) {
        return "tally:session:" + id;
    }
}
