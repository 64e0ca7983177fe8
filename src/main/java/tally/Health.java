package tally;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.stream.Collectors;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Says whether this process can count visits now, and if not, why.
 *
 * <p>Thread-safe. Redis: reads {@code INFO}, in one call.
 */
final class Health {

    /** {@code status} is up, down or stopping. */
    record Report(String status, Store redis, long uptimeSeconds, String version, String revision, String instance) {
        boolean isUp() {
            return status.equals("up");
        }
    }

    /** Redis as seen from here; what could not be learned is null, {@code error} is null where there is none. */
    record Store(String status, Double latencyMs, Long usedMemoryBytes, Long maxMemoryBytes, String lastSave, String error) {}

    private final UnifiedJedis redis;
    private final String instance;
    private volatile boolean stopping;

    Health(UnifiedJedis redis, String instance) {
        this.redis = redis;
        this.instance = instance;
    }

    boolean isStopping() {
        return stopping;
    }

    /** From now on the report says that this process is about to go, so that no new work is sent to it. */
    void stopping() {
        stopping = true;
    }

    Report report() {
        var store = store();
        var status = stopping ? "stopping" : store.status();
        return new Report(status, store, ManagementFactory.getRuntimeMXBean().getUptime() / 1000, Main.version(), Main.REVISION, instance);
    }

    private Store store() {
        long start = System.nanoTime();
        try {
            var info = parse(redis.info());
            double latency = Math.round((System.nanoTime() - start) / 10_000.0) / 100.0;
            var problem = problem(info);
            var saved = "ok".equals(info.get("rdb_last_bgsave_status")) && "ok".equals(info.get("aof_last_write_status"));
            return new Store(problem == null ? "up" : "down", latency, Long.valueOf(info.get("used_memory")), Long.valueOf(info.get("maxmemory")),
                    saved ? "ok" : "failed", problem);
        } catch (JedisException away) {
            return new Store("down", null, null, null, null, Problems.reason(away));
        }
    }

    /** Why Redis answers, but would not count; null where it would. */
    private static String problem(Map<String, String> info) {
        long most = Long.parseLong(info.get("maxmemory"));
        long used = Long.parseLong(info.get("used_memory")) - Long.parseLong(info.getOrDefault("mem_not_counted_for_evict", "0"));
        if (info.getOrDefault("loading", "0").equals("1")) {
            return "Redis is reading its data";
        }
        if (!"ok".equals(info.get("rdb_last_bgsave_status")) || !"ok".equals(info.get("aof_last_write_status"))) {
            return "Redis could not save to disk and refuses to count until it can";
        }
        return most > 0 && used > most ? "Redis is full, and nothing in it may be dropped" : null;
    }

    private static Map<String, String> parse(String info) {
        return info.lines().filter(line -> line.indexOf(':') > 0)
                .collect(Collectors.toMap(line -> line.substring(0, line.indexOf(':')), line -> line.substring(line.indexOf(':') + 1), (a, b) -> b));
    }
}
