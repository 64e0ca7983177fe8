package tally;

import java.time.Duration;
import org.apache.commons.pool2.PooledObject;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.executors.CommandExecutor;
import redis.clients.jedis.executors.DefaultCommandExecutor;
import redis.clients.jedis.providers.ConnectionProvider;
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

    static UnifiedJedis open(Settings.Redis settings, Metrics metrics) {
        var config = config(settings);
        var factory = new Factory(settings, config);
        var connections = new PooledConnectionProvider(factory, pool(settings));
        var pool = connections.getPool();
        factory.discardIdle = pool::clear;
        metrics.gauge("tally_redis_pool_active", "Connections in use", pool::getNumActive);
        metrics.gauge("tally_redis_pool_idle", "Connections at rest", pool::getNumIdle);
        metrics.gauge("tally_redis_pool_waiting", "Requests that wait for a connection", pool::getNumWaiters);
        return RedisClient.builder().clientConfig(config).connectionProvider(connections)
                .commandExecutor(new Measured(connections, metrics)).build();
    }

    static HostAndPort address(Settings.Redis settings) {
        return new HostAndPort(settings.host(), settings.port());
    }

    static JedisClientConfig config(Settings.Redis settings) {
        var config = DefaultJedisClientConfig.builder()
                // Left to negotiate, a client that is opened while Redis is away mistakes every later answer.
                .serverDefaultProtocol()
                .user(settings.user().isEmpty() ? null : settings.user())
                .password(settings.password().isEmpty() ? null : settings.password())
                .database(settings.database())
                .connectionTimeoutMillis((int) settings.connectTimeout().toMillis())
                .socketTimeoutMillis((int) settings.connectTimeout().toMillis())
                // A subscriber waits for so long without a sign of life.
                .blockingSocketTimeoutMillis(30_000)
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED);
        if (settings.tls()) {
            config.sslOptions(Tls.trusting(settings.tlsCa()));
        }
        return config.build();
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

    /** Runs a command on a connection of the pool, and notes how long it took or how it failed. */
    private static final class Measured implements CommandExecutor {
        private final DefaultCommandExecutor executor;
        private final Metrics metrics;

        Measured(ConnectionProvider connections, Metrics metrics) {
            executor = new DefaultCommandExecutor(connections);
            this.metrics = metrics;
        }

        @Override
        public <T> T executeCommand(CommandObject<T> command) {
            long start = System.nanoTime();
            try {
                var answer = executor.executeCommand(command);
                metrics.redisAnswered(System.nanoTime() - start);
                return answer;
            } catch (JedisException failure) {
                metrics.redisFailed(failure.getClass().getSimpleName());
                throw failure;
            }
        }

        @Override
        public void close() {
            executor.close();
        }
    }

    /**
     * After Redis was restarted every pooled connection is dead. The first one found so takes the idle ones with it, so
     * that one request waits for the discovery, and none fails.
     */
    private static final class Factory extends ConnectionFactory {
        private final Settings.Redis settings;
        private Runnable discardIdle;

        Factory(Settings.Redis settings, JedisClientConfig config) {
            super(address(settings), config);
            this.settings = settings;
        }

        /** What is said to make a connection is a part of making it. */
        @Override
        public PooledObject<Connection> makeObject() throws Exception {
            var made = super.makeObject();
            made.getObject().setSoTimeout((int) settings.timeout().toMillis());
            return made;
        }

        @Override
        public boolean validateObject(PooledObject<Connection> pooled) {
            if (pooled.getIdleDuration().compareTo(TRUSTED) < 0) {
                return true;
            }
            var connection = pooled.getObject();
            try {
                connection.setSoTimeout((int) settings.connectTimeout().toMillis());
                connection.ping();
                // Not rollbackTimeout, which knows the last one set, and no other.
                connection.setSoTimeout((int) settings.timeout().toMillis());
                return true;
            } catch (JedisException dead) {
                discardIdle.run();
                return false;
            }
        }
    }
}
