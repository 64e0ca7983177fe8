package tally.counting;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import redis.clients.jedis.UnifiedJedis;
import tally.frame.redis.Deadline;
import tally.frame.redis.LuaScript;

/**
 * Calls visits.lua, and tells it until when: a Redis that hung does not count later what its caller has given up. That
 * time and the minute that a visit is of are by Redis' own clock, which each answer tells: the first call, for the year
 * 1970, is refused with it.
 *
 * <p>For one thread.
 */
public final class VisitsScript {

    /** In place of a number: there is no room for a new name. */
    static final long NO_ROOM = -1;
    /** In place of a number: the caller has made too many new names. */
    static final long TOO_MANY = -2;

    private final LuaScript script;
    private final Keys keys;
    private final DailySalt salt;
    private final String maxPages;
    private final String newNames;
    private final Duration timeout;
    /** What Redis' clock is ahead of {@link #millis}; 0 until it is known. */
    private long ahead;

    public VisitsScript(
            UnifiedJedis redis, Keys keys, VisitSettings visits, CountingSettings counting, Duration timeout) {
        this.keys = keys;
        script = new LuaScript(redis, "/visits.lua");
        salt = new DailySalt(redis, keys);
        maxPages = Integer.toString(visits.maxPages());
        newNames = Integer.toString(counting.newNames());
        this.timeout = timeout;
    }

    /**
     * The numbers of each, within the {@link Deadline}; where it is a trial, all rights are used that a visit needs.
     */
    public List<Numbers> count(List<Visit> visits, boolean isTrial) {
        while (true) {
            long sent = millis();
            var answer = call(visits, isTrial, sent);
            ahead = Math.abs(answer.getFirst()) - sent;
            if (answer.getFirst() > 0) {
                return numbers(answer, visits.size());
            }
            // By Redis' clock it is too late, or another minute: because that clock was set, or the time is over.
        }
    }

    private static List<Numbers> numbers(List<Long> answer, int visits) {
        var numbers = new ArrayList<Numbers>(visits);
        var hasSites = answer.size() > 2 + visits;
        for (int at = 2; at < 2 + visits; at++) {
            numbers.add(new Numbers(answer.get(at), hasSites ? answer.get(at + visits) : 0, answer.get(1)));
        }
        return numbers;
    }

    @SuppressWarnings("unchecked")
    private List<Long> call(List<Visit> visits, boolean isTrial, long now) {
        var time = Instant.ofEpochMilli(ahead == 0 ? 0 : ahead + now);
        long minute = Math.floorDiv(time.getEpochSecond(), 60L);
        var touched = new ArrayList<>(List.of(
                keys.total(),
                keys.pages(),
                keys.minute(minute),
                keys.day(time),
                keys.visitors(time),
                keys.newNames(time)));
        touched.addAll(keys.seen());
        // A tenth is for the answer's way back.
        long left = Deadline.left(timeout).toMillis() * 9 / 10;
        var names = names(visits, time, touched);
        var arguments = new ArrayList<String>(6 + 3 * (names.size() + visits.size()));
        arguments.add(maxPages);
        arguments.add(ahead == 0 ? "0" : Long.toString(ahead + now + left));
        arguments.add(isTrial ? "1" : "0");
        arguments.add(Long.toString(minute));
        arguments.add(newNames);
        arguments.add(Integer.toString(names.size()));
        names.values().forEach(name -> arguments.addAll(List.of(name.name, name.visitorsKey, name.by)));
        for (var visit : visits) {
            arguments.add(visit.requestId());
            arguments.add(visit.page().isEmpty() ? "" : Objects.requireNonNull(names.get(visit.page())).index);
            arguments.add(visitor(visit.caller(), time));
        }
        return (List<Long>) script.call(touched, arguments);
    }

    /** Each name once; the key of its site's visitors is added to those that are touched. */
    private Map<String, Name> names(List<Visit> visits, Instant time, List<String> touched) {
        var names = new LinkedHashMap<String, Name>();
        var sites = new HashMap<String, String>();
        for (var visit : visits) {
            var page = visit.page();
            if (!page.isEmpty() && !names.containsKey(page)) {
                var key = sites.computeIfAbsent(
                        PageName.siteOf(page), site -> site.isEmpty() ? "" : add(touched, keys.visitors(time, site)));
                names.put(page, new Name(page, Integer.toString(names.size() + 1), key, by(visit.caller(), time)));
            }
        }
        return names;
    }

    /** Returns where it then stands, as Lua counts. */
    private static String add(List<String> touched, String key) {
        touched.add(key);
        return Integer.toString(touched.size());
    }

    /** {@code visitorsKey} is which key has the visitors of its site, {@code by} who asks for it. */
    private record Name(String name, String index, String visitorsKey, String by) {}

    private String by(Caller caller, Instant time) {
        return caller.address().isEmpty() || ahead == 0 ? "" : salt.hash(time, "new", caller.address());
    }

    private String visitor(Caller caller, Instant time) {
        return !caller.isVisitor() || ahead == 0 ? "" : salt.hash(time, "visitor", caller.address(), caller.agent());
    }

    /** Of a clock that nobody sets. */
    private static long millis() {
        return System.nanoTime() / 1_000_000;
    }
}
