package tally;

import java.time.Duration;
import org.apache.commons.pool2.PooledObject;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.providers.PooledConnectionProvider;

/**
 * Opens the one pooled client through which everything here speaks to Redis.
 *
 * <p>The client can be opened while Redis is away, and recovers by itself when it is back. Every call ends within the
 * sum of the waits in {@link Settings.Redis}, with an answer or a {@link JedisException}.
 */
final class Redis {

    /** A connection that was in use so recently is trusted; one that rested longer is asked before it is lent. */
    private static final Duration TRUSTED = Duration.ofMillis(500);

    private Redis() {}

    static UnifiedJedis open(Settings.Redis settings) {
        var config = config(settings);
        var factory = new Factory(address(settings), config);
        var connections = new PooledConnectionProvider(factory, pool(settings));
        factory.discardIdle = connections.getPool()::clear;
        return RedisClient.builder().clientConfig(config).connectionProvider(connections).build();
    }

    static HostAndPort address(Settings.Redis settings) {
        return new HostAndPort(settings.host(), settings.port());
    }

    static JedisClientConfig config(Settings.Redis settings) {
        return DefaultJedisClientConfig.builder()
                // Left to negotiate, a client that is opened while Redis is away mistakes every later answer.
                .serverDefaultProtocol()
                .user(settings.user().isEmpty() ? null : settings.user())
                .password(settings.password().isEmpty() ? null : settings.password())
                .database(settings.database())
                .connectionTimeoutMillis((int) settings.connectTimeout().toMillis())
                .socketTimeoutMillis((int) settings.timeout().toMillis())
                // A subscriber waits for so long without a sign of life.
                .blockingSocketTimeoutMillis(30_000)
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
                .build();
    }

    private static ConnectionPoolConfig pool(Settings.Redis settings) {
        var pool = new ConnectionPoolConfig();
        pool.setMaxTotal(settings.poolSize());
        pool.setMaxIdle(settings.poolSize());
        pool.setMaxWait(settings.poolWait());
        pool.setTestOnBorrow(true);
        pool.setJmxEnabled(false);
        return pool;
    }

    /**
     * After Redis was restarted every pooled connection is dead. The first one found so takes the idle ones with it, so
     * that one request waits for the discovery, and none fails.
     */
    private static final class Factory extends ConnectionFactory {
        private final int timeoutMillis;
        private Runnable discardIdle;

        Factory(HostAndPort address, JedisClientConfig config) {
            super(address, config);
            timeoutMillis = config.getConnectionTimeoutMillis();
        }

        @Override
        public boolean validateObject(PooledObject<Connection> pooled) {
            if (pooled.getIdleDuration().compareTo(TRUSTED) < 0) {
                return true;
            }
            var connection = pooled.getObject();
            try {
                connection.setSoTimeout(timeoutMillis);
                connection.ping();
                connection.rollbackTimeout();
                return true;
            } catch (JedisException dead) {
                discardIdle.run();
                return false;
            }
        }
    }
}
