package tally.frame.redis;

import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import tally.frame.metrics.Metrics;

/**
 * Opens the clients through which everything here speaks to Redis: one with a pool of connections for what requests
 * ask, and one with a connection of its own for one thread, which no number of requests can take from it.
 *
 * <p>A client can be opened while Redis is away, and recovers by itself when it is back. Every call ends within the sum
 * of the waits in {@link RedisSettings}, and within its {@link Deadline}, with an answer or a {@link JedisException}.
 * Where a connection broke it is made again: all that is said to Redis here may be said twice, a write because it has
 * an id.
 *
 * <p>Thread-safe.
 */
public final class RedisClients {

    private RedisClients() {}

    /** As many connections as the settings say. */
    public static UnifiedJedis open(RedisSettings settings, Metrics metrics) {
        var connections = new Connections(settings, settings.poolSize(), metrics);
        var pool = connections.pool();
        metrics.gauge("tally_redis_pool_active", "Connections in use", pool::getNumActive);
        metrics.gauge("tally_redis_pool_idle", "Connections at rest", pool::getNumIdle);
        metrics.gauge("tally_redis_pool_waiting", "Requests that wait for a connection", pool::getNumWaiters);
        return client(settings, connections);
    }

    /** One connection, for one thread that calls again and again. */
    public static UnifiedJedis openSingle(RedisSettings settings, Metrics metrics) {
        return client(settings, new Connections(settings, 1, metrics));
    }

    private static UnifiedJedis client(RedisSettings settings, Connections connections) {
        return RedisClient.builder()
                .clientConfig(ConnectionConfig.of(settings))
                .connectionProvider(connections.provider())
                .commandExecutor(connections)
                .build();
    }
}
