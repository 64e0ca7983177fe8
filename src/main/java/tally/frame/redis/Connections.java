package tally.frame.redis;

import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLHandshakeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisMovedDataException;
import redis.clients.jedis.executors.CommandExecutor;
import redis.clients.jedis.providers.PooledConnectionProvider;
import redis.clients.jedis.util.Pool;
import tally.frame.metrics.Metrics;

/**
 * A pool of connections to Redis, and how a command is run on one of them: again where the connection broke, never past its
 * {@link Deadline}; how long it took or how it failed is noted.
 *
 * <p>A node of a cluster names the one that has our keys, which is one for all of them. From then on that one
 * is asked, until it can't be reached.
 *
 * <p>Thread-safe.
 */
final class Connections implements CommandExecutor {

    private static final Logger LOG = LoggerFactory.getLogger("tally.redis");
    /** How often a command is sent whose connection breaks each time. */
    private static final int TRIES = 20;

    private final RedisSettings settings;
    private final PooledConnectionProvider provider;
    private final Node node;
    private final Metrics metrics;

    Connections(RedisSettings settings, int most, Metrics metrics) {
        this.settings = settings;
        this.metrics = metrics;
        var config = new ConnectionPoolConfig();
        config.setMaxTotal(most);
        config.setMaxIdle(most);
        config.setTestOnBorrow(true);
        config.setJmxEnabled(false);
        node = new Node(settings, () -> pool().clear());
        provider = new PooledConnectionProvider(node, config);
    }

    PooledConnectionProvider provider() {
        return provider;
    }

    Pool<Connection> pool() {
        return provider.getPool();
    }

    @Override
    public <T> T executeCommand(CommandObject<T> command) {
        long start = System.nanoTime();
        for (int tried = 1;; tried++) {
            try {
                var answer = ask(command);
                metrics.redisAnswered(System.nanoTime() - start);
                return answer;
            } catch (JedisException failure) {
                metrics.redisFailed(failure.getClass().getSimpleName());
                if (tried == TRIES || !isBroken(failure) && !(failure instanceof JedisMovedDataException)) {
                    throw failure;
                }
                if (failure instanceof JedisMovedDataException moved) {
                    node.moveTo(moved.getTargetNode());
                }
                pool().clear();
            }
        }
    }

    private <T> T ask(CommandObject<T> command) {
        var connection = borrow();
        try {
            connection.setSoTimeout((int) Deadline.left(settings.timeout()).toMillis());
            return connection.executeCommand(command);
        } finally {
            giveBack(connection);
        }
    }

    private void giveBack(Connection connection) {
        try {
            if (connection.isBroken()) {
                pool().returnBrokenResource(connection);
            } else {
                pool().returnResource(connection);
            }
        } catch (JedisException away) {
            LOG.debug("No other connection could be made in its place", away);
        }
    }

    private Connection borrow() {
        try {
            return pool().borrowObject(Deadline.left(settings.poolWait()));
        } catch (JedisException away) {
            throw away;
        } catch (Exception taken) {
            throw new JedisException("No connection was free in time", taken);
        }
    }

    /** One that was there, not one that could not be made or was only slow: what was sent is not waited for twice. */
    private static boolean isBroken(JedisException failure) {
        // Jedis adds what went wrong at each address to the failure to connect.
        var isMade = failure.getSuppressed().length == 0;
        return failure instanceof JedisConnectionException && isMade && switch (failure.getCause()) {
            case SocketTimeoutException slow -> false;
            case UnknownHostException absent -> false;
            case SSLHandshakeException untrusted -> false;
            case null, default -> true;
        };
    }

    @Override
    public void close() {
        provider.close();
    }
}
