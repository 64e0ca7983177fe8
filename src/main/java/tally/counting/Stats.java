package tally.counting;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.Tuple;
import tally.frame.redis.Cache;

/**
 * What the visits add up to: the total, each minute of the last hour, the most visited pages, the visitors of today.
 *
 * <p>Now is by Redis' clock, as it is for {@link Visits}, so that all replicas mean the same minute and the same day.
 *
 * <p>Thread-safe. Redis: reads what {@link Visits} writes, in five calls; {@link Cache} keeps them few.
 */
public final class Stats {

    private static final int MINUTES = 60;
    private static final int PAGES = 10;

    /** {@code minutes} is the last hour, oldest first; {@code lastMinute} is when the last of them began. */
    public record Report(
            long visits, long visitorsToday, List<Long> minutes, String lastMinute, List<PageVisits> topPages) {}

    /** To about 1 %; {@code site} is null for those of all. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Visitors(@Nullable String site, long today, long yesterday) {}

    private final UnifiedJedis redis;
    private final Keys keys;

    public Stats(UnifiedJedis redis, Keys keys) {
        this.redis = redis;
        this.keys = keys;
    }

    public Report read() {
        var now = now();
        long last = now.getEpochSecond() / 60;
        var hour = LongStream.rangeClosed(last - MINUTES + 1, last)
                .mapToObj(keys::minute)
                .toArray(String[]::new);
        var minutes = redis.mget(hour).stream()
                .map(text -> StoredCount.count("a minute", text))
                .toList();
        var pages = redis
                .zrangeWithScores(
                        keys.pages(), ZRangeParams.zrangeParams(0, PAGES - 1).rev())
                .stream()
                .filter(entry -> PageName.isCanonical(entry.getElement()))
                .map(Stats::page)
                .toList();
        long visitors = redis.pfcount(keys.visitors(now));
        return new Report(
                StoredCount.count(keys.total(), redis.get(keys.total())),
                visitors,
                minutes,
                Instant.ofEpochSecond(last * 60).toString(),
                pages);
    }

    /** The visits of today, of a page or of a site; the empty name is for all. */
    public long today(String name) {
        return StoredCount.count(
                "the visits of a day", redis.hmget(keys.day(now()), name).getFirst());
    }

    /** Who came today and yesterday, to a site or, where it is empty, to any. */
    public Visitors visitors(String site) {
        var today = now();
        return new Visitors(
                site.isEmpty() ? null : site, came(today, site), came(today.minus(1, ChronoUnit.DAYS), site));
    }

    private long came(Instant day, String site) {
        return redis.pfcount(site.isEmpty() ? keys.visitors(day) : keys.visitors(day, site));
    }

    /** To the second. */
    private Instant now() {
        var seconds = redis.executeCommand(
                        new CommandObject<>(new CommandArguments(Protocol.Command.TIME), BuilderFactory.STRING_LIST))
                .getFirst();
        return Instant.ofEpochSecond(Long.parseLong(seconds));
    }

    private static PageVisits page(Tuple entry) {
        return new PageVisits(
                entry.getElement(), StoredCount.count(entry.getElement(), Double.valueOf(entry.getScore())));
    }
}
