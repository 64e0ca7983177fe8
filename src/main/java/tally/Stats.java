package tally;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.LongStream;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.resps.Tuple;

/**
 * What the visits add up to: the total, each minute of the last hour, the most visited pages, the visitors of today.
 *
 * <p>Thread-safe. Redis: reads what {@link Visits} writes, in one round trip.
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
        try (var pipeline = redis.pipelined()) {
            var total = pipeline.get(Visits.TOTAL);
            var minutes = pipeline.mget(keys);
            var pages = pipeline.zrevrangeWithScores(Visits.PAGES, 0, PAGES - 1);
            var visitors = pipeline.pfcount(Visits.VISITORS + LocalDate.ofInstant(now, ZoneOffset.UTC));
            pipeline.sync();
            return new Report(number(total.get()), visitors.get(), minutes.get().stream().map(Stats::number).toList(),
                    Instant.ofEpochSecond(last * 60).toString(), pages.get().stream().map(Stats::page).toList());
        }
    }

    private static long number(String value) {
        return value == null ? 0 : Long.parseLong(value);
    }

    private static PageVisits page(Tuple entry) {
        return new PageVisits(entry.getElement(), (long) entry.getScore());
    }
}
