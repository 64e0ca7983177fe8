package tally.counting;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.javalin.http.ContentTooLargeResponse;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.metrics.Metrics;
import tally.frame.redis.LuaScript;
import tally.frame.redis.Unavailable;

/**
 * Knows returning visitors: an opaque random id in a cookie stands for a hash in Redis, so that any replica knows them
 * and one that is ended is ended everywhere.
 *
 * <p>A session lives for {@code session.ttl} after its last use, by Redis' clock; reading it writes at most once a
 * minute. An id that is malformed, unknown or expired counts as no session, and so does a value under its key that is
 * none. A request that Nginx repeats is one visit of the session, unless another of the same session came between.
 *
 * <p>All sessions together take at most {@code session.max-memory}. Beyond it none begins and none holds more, but none
 * ends for another either. What each takes is known without asking all: see session.lua, which keeps the books.
 *
 * <p>Thread-safe. Redis: {@code tally:session:<id>}, a hash of {@code first} and {@code last} (epoch ms),
 * {@code visits}, {@code request} (the id of the last visit), {@code size} (bytes), and {@code data:<name>};
 * {@code tally:sessions}, a sorted set of all by their end, and {@code tally:sessions:bytes}, what they take.
 */
public final class Sessions {

    public static final int MOST_FIELDS = 20;
    static final int MOST_BYTES = 4096;

    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    /** As {@code GET /api/session} shows it, but for the id; times in ISO 8601. */
    public record Session(
            @JsonIgnore String id,
            long visits,
            String firstSeen,
            String lastSeen,
            long expiresInSeconds,
            Map<String, String> data) {}

    private static final Long NONE = 0L;
    private static final Long NO_ROOM = -3L;

    private final Keys keys;
    private final Runnable begun;
    private final Runnable refused;
    private final LuaScript script;
    private final SecureRandom random = new SecureRandom();
    private final String ttl;
    private final String maxMemory;

    public Sessions(UnifiedJedis redis, Keys keys, SessionSettings settings, Metrics metrics) {
        this.keys = keys;
        begun = metrics.events("tally_sessions_created", "Sessions begun");
        refused = metrics.events("tally_sessions_refused", "Sessions that there was no room for");
        script = new LuaScript(redis, "/session.lua");
        ttl = Long.toString(settings.ttl().toMillis());
        maxMemory = Long.toString(settings.maxMemory());
    }

    /** The id if there is such a session. */
    public Optional<String> known(String id) {
        return isId(id) && call("know", id, false, "", Map.of()).equals(1L) ? Optional.of(id) : Optional.empty();
    }

    /**
     * Notes a visit, in a new session if there is none by this id; the session's id, or empty where there is no room
     * for one. {@code requestId} is empty for none.
     */
    public Optional<String> visit(String id, String requestId) {
        if (isId(id) && call("visit", id, false, requestId, Map.of()).equals(1L)) {
            return Optional.of(id);
        }
        var created = newId();
        return isBegun(call("visit", created, true, requestId, Map.of())) ? Optional.of(created) : Optional.empty();
    }

    /**
     * Merges the data, into a new session if there is none by this id; what would be too much is refused with the
     * limit.
     */
    public Session merge(String id, Map<String, String> data) {
        var merged = isId(id) ? call("merge", id, false, "", data) : NONE;
        if (!merged.equals(NONE)) {
            return session(id, merged);
        }
        var created = newId();
        merged = call("merge", created, true, "", data);
        isBegun(merged);
        return session(created, merged);
    }

    public Optional<Session> read(String id) {
        var found = isId(id) ? call("read", id, false, "", Map.of()) : NONE;
        return found.equals(NONE) ? Optional.empty() : Optional.of(session(id, found));
    }

    /** Ends the session, if there is one. */
    public void end(String id) {
        if (isId(id)) {
            call("end", id, false, "", Map.of());
        }
    }

    private Object call(String what, String id, boolean create, String requestId, Map<String, String> data) {
        var arguments = new ArrayList<>(List.of(
                what,
                ttl,
                maxMemory,
                create ? "1" : "0",
                Integer.toString(MOST_FIELDS),
                Integer.toString(MOST_BYTES),
                requestId));
        data.forEach((name, value) -> arguments.addAll(List.of(name, value)));
        return script.call(List.of(keys.session(id), keys.sessions(), keys.sessionsBytes()), arguments);
    }

    private boolean isBegun(Object result) {
        if (result.equals(NO_ROOM)) {
            refused.run();
            return false;
        }
        begun.run();
        return true;
    }

    /** From what session.lua returns for one. */
    private static Session session(String id, Object result) {
        if (!(result instanceof List<?> parts)) {
            throw switch (((Long) result).intValue()) {
                case -1 -> new ContentTooLargeResponse("A session holds at most " + MOST_FIELDS + " fields");
                case -2 ->
                    new ContentTooLargeResponse("A session holds at most " + MOST_BYTES + " bytes of names and values");
                default ->
                    new Unavailable("There is no room for more sessions or more data in them; "
                            + "some is free when others end (session.max-memory)");
            };
        }
        var data = new TreeMap<String, String>();
        for (int i = 4; i < parts.size(); i += 2) {
            data.put((String) parts.get(i), (String) parts.get(i + 1));
        }
        return new Session(
                id,
                Long.parseLong((String) parts.get(1)),
                time(parts.get(2)),
                time(parts.get(3)),
                (Long) parts.get(0) / 1000,
                data);
    }

    private static String time(Object epochMillis) {
        return Instant.ofEpochMilli(Long.parseLong((String) epochMillis)).toString();
    }

    /** 128 bits that nobody can guess. */
    private String newId() {
        var bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static boolean isId(String id) {
        return ID.matcher(id).matches();
    }
}
