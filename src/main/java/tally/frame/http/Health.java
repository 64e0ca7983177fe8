package tally.frame.http;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import tally.frame.config.Version;
import tally.frame.redis.RedisFailure;
import tally.frame.redis.Unavailable;

/**
 * Says whether this process can write now, and if not, why: it is given a trial that does all that a write does, but
 * leaves nothing. What {@code INFO} tells of Redis beside that is told on, and decides nothing.
 *
 * <p>Thread-safe.
 */
public final class Health {

    /** {@code status} is up, down or stopping. */
    public record Report(
            String status, Store redis, long uptimeSeconds, String version, String revision, String instance) {
        @JsonIgnore
        public boolean isUp() {
            return status.equals("up");
        }
    }

    /** Redis as seen from here; what could not be learned is null, {@code error} is null where there is none. */
    public record Store(
            String status,
            @Nullable Double latencyMs,
            @Nullable Long usedMemoryBytes,
            @Nullable Long maxMemoryBytes,
            @Nullable String lastSave,
            @Nullable String error) {}

    private final UnifiedJedis redis;
    private final Runnable trial;
    private final String instance;
    private volatile boolean stopping;

    /** {@code trial} fails as a write would fail now. */
    public Health(UnifiedJedis redis, Runnable trial, String instance) {
        this.redis = redis;
        this.trial = trial;
        this.instance = instance;
    }

    public boolean isStopping() {
        return stopping;
    }

    /** From now on the report says that this process is about to go, so that no new work is sent to it. */
    public void stopping() {
        stopping = true;
    }

    public Report report() {
        var store = store();
        var status = stopping ? "stopping" : store.status();
        return new Report(
                status,
                store,
                ManagementFactory.getRuntimeMXBean().getUptime() / 1000,
                Version.NUMBER,
                Version.REVISION,
                instance);
    }

    private Store store() {
        var problem = problem();
        long start = System.nanoTime();
        var info = info();
        Double latency = info.isEmpty() ? null : Math.round((System.nanoTime() - start) / 10_000.0) / 100.0;
        return new Store(
                problem == null ? "up" : "down",
                latency,
                number(info.get("used_memory")),
                number(info.get("maxmemory")),
                lastSave(info),
                problem);
    }

    /** Why a write would fail now; null where it would. */
    private @Nullable String problem() {
        try {
            trial.run();
            return null;
        } catch (JedisException failure) {
            return RedisFailure.inWords(failure);
        } catch (Unavailable refused) {
            return refused.getMessage();
        }
    }

    /** Empty where Redis is away, or does not tell. */
    private Map<String, String> info() {
        try {
            return parse(redis.info());
        } catch (JedisException silent) {
            return Map.of();
        }
    }

    private static @Nullable Long number(@Nullable String value) {
        return value != null && value.matches("\\d{1,18}") ? Long.valueOf(value) : null;
    }

    private static @Nullable String lastSave(Map<String, String> info) {
        var results = Stream.of("rdb_last_bgsave_status", "aof_last_write_status")
                .map(info::get)
                .filter(Objects::nonNull)
                .toList();
        return results.isEmpty() ? null : results.stream().allMatch("ok"::equals) ? "ok" : "failed";
    }

    private static Map<String, String> parse(String info) {
        return info.lines()
                .filter(line -> line.indexOf(':') > 0)
                .collect(Collectors.toMap(
                        line -> line.substring(0, line.indexOf(':')),
                        line -> line.substring(line.indexOf(':') + 1),
                        (a, b) -> b));
    }
}
