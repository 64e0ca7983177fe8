package tally.counting;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.redis.Deadline;
import tally.frame.redis.LuaScript;

/**
 * Calls visits.lua, and tells it until when: a Redis that hung does not count later what its caller has given up. That time
 * and the minute that a visit is of are by Redis' own clock, which each answer tells: the first call, for the year 1970, is
 * refused with it.
 *
 * <p>For one thread.
 */
public final class VisitsScript {

    private final LuaScript script;
    private final Keys keys;
    private final String maxPages;
    private final Duration timeout;
    /** What Redis' clock is ahead of {@link #millis}; 0 until it is known. */
    private long ahead;

    public VisitsScript(UnifiedJedis redis, Keys keys, int maxPages, Duration timeout) {
        this.keys = keys;
        script = new LuaScript(redis, "/visits.lua");
        this.maxPages = Integer.toString(maxPages);
        this.timeout = timeout;
    }

    /** The number of each, within the {@link Deadline}; where it is a trial, all rights are used that a visit needs. */
    public List<Long> count(List<Visit> visits, boolean isTrial) {
        while (true) {
            long sent = millis();
            var answer = call(visits, isTrial, sent);
            ahead = Math.abs(answer.getFirst()) - sent;
            if (answer.getFirst() > 0) {
                return answer.subList(1, answer.size());
            }
            // By Redis' clock it is too late, or another minute: because that clock was set, or the time is over.
        }
    }

    @SuppressWarnings("unchecked")
    private List<Long> call(List<Visit> visits, boolean isTrial, long now) {
        var time = Instant.ofEpochMilli(ahead == 0 ? 0 : ahead + now);
        long minute = Math.floorDiv(time.getEpochSecond(), 60L);
        var touched = new ArrayList<>(List.of(keys.total(), keys.pages(), keys.minute(minute), keys.visitors(time)));
        touched.addAll(keys.seen());
        // A tenth is for the answer's way back.
        long left = Deadline.left(timeout).toMillis() * 9 / 10;
        var arguments = new ArrayList<String>(4 + 3 * visits.size());
        arguments.add(maxPages);
        arguments.add(ahead == 0 ? "0" : Long.toString(ahead + now + left));
        arguments.add(isTrial ? "1" : "0");
        arguments.add(Long.toString(minute));
        for (var visit : visits) {
            arguments.add(visit.requestId());
            arguments.add(visit.page());
            arguments.add(visit.visitor());
        }
        return (List<Long>) script.call(touched, arguments);
    }

    /** Of a clock that nobody sets. */
    private static long millis() {
        return System.nanoTime() / 1_000_000;
    }
}
