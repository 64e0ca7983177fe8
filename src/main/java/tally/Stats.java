package tally;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.LongStream;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.Tuple;

/**
 * What the visits add up to: the total, each minute of the last hour, the most visited pages, the visitors of today.
 *
 * <p>Thread-safe. Redis: reads what {@link Visits} writes, in four calls; {@link Cache} keeps them few.
 */
final class Stats {

    private static final int MINUTES = 60;
    private static final int PAGES = 10;

    /** {@code minutes} is the last hour, oldest first; {@code lastMinute} is when the last of them began. */
    record Report(long visits, long visitorsToday, List<Long> minutes, String lastMinute, List<PageVisits> topPages) {}

    record PageVisits(String page, long visits) {}

    private final UnifiedJedis redis;

    Stats(UnifiedJedis redis) {
        this.redis = redis;
    }

    Report read() {
        var now = Instant.now();
        long last = now.getEpochSecond() / 60;
        var keys = LongStream.rangeClosed(last - MINUTES + 1, last).mapToObj(minute -> Visits.MINUTE + minute).toArray(String[]::new);
        var minutes = redis.mget(keys).stream().map(Stats::number).toList();
        var pages = redis.zrangeWithScores(Visits.PAGES, ZRangeParams.zrangeParams(0, PAGES - 1).rev()).stream().map(Stats::page).toList();
        long visitors = redis.pfcount(Visits.VISITORS + LocalDate.ofInstant(now, ZoneOffset.UTC));
        return new Report(number(redis.get(Visits.TOTAL)), visitors, minutes, Instant.ofEpochSecond(last * 60).toString(), pages);
    }

    private static long number(String value) {
        return value == null ? 0 : Long.parseLong(value);
    }

    private static PageVisits page(Tuple entry) {
        return new PageVisits(entry.getElement(), (long) entry.getScore());
    }
}
