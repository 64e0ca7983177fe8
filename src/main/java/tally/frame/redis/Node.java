package tally.frame.redis;

import java.time.Duration;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionFactory;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Makes and tries connections to the one Redis that has our keys: that of the settings, or the node of its cluster that
 * it named.
 *
 * <p>After Redis was restarted every pooled connection is dead. The first one found so takes the idle ones with it, so
 * that one request waits for the discovery, and none fails.
 *
 * <p>Thread-safe. Waits end with the {@link Deadline}.
 */
final class Node extends ConnectionFactory {

    /** A connection that was in use so recently is trusted; one that rested longer is asked before it is lent. */
    private static final Duration TRUSTED = Duration.ofMillis(500);

    private final RedisSettings settings;
    private final JedisClientConfig config;
    private final Runnable discardIdle;
    private volatile HostAndPort address;

    Node(RedisSettings settings, Runnable discardIdle) {
        this(settings, ConnectionConfig.of(settings), discardIdle);
    }

    private Node(RedisSettings settings, JedisClientConfig config, Runnable discardIdle) {
        super(ConnectionConfig.address(settings), config);
        this.settings = settings;
        this.config = config;
        this.discardIdle = discardIdle;
        address = ConnectionConfig.address(settings);
    }

    /** A node that does not know its own name leaves it out: it is that of the one that was asked. */
    void moveTo(HostAndPort named) {
        address = named.getHost().isEmpty() ? new HostAndPort(address.getHost(), named.getPort()) : named;
    }

    @Override
    public PooledObject<Connection> makeObject() {
        int wait = (int) Deadline.left(settings.connectTimeout()).toMillis();
        var hurried = DefaultJedisClientConfig.builder()
                .from(config)
                .connectionTimeoutMillis(wait)
                .socketTimeoutMillis(wait)
                .build();
        try {
            return new DefaultPooledObject<>(new Connection(address, hurried));
        } catch (JedisConnectionException away) {
            // The next one asks anew where the keys are.
            address = ConnectionConfig.address(settings);
            throw away;
        }
    }

    @Override
    public boolean validateObject(PooledObject<Connection> pooled) {
        if (pooled.getIdleDuration().compareTo(TRUSTED) < 0) {
            return true;
        }
        var connection = pooled.getObject();
        try {
            connection.setSoTimeout(
                    (int) Deadline.left(settings.connectTimeout()).toMillis());
            connection.ping();
            return true;
        } catch (JedisException dead) {
            discardIdle.run();
            return false;
        }
    }
}
