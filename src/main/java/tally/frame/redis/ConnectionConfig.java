package tally.frame.redis;

import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;

/** The settings as Jedis wants them to make a connection: where to, as whom, and how long to wait. */
public final class ConnectionConfig {

    private ConnectionConfig() {}

    public static HostAndPort address(RedisSettings settings) {
        return new HostAndPort(settings.host(), settings.port());
    }

    public static JedisClientConfig of(RedisSettings settings) {
        int wait = (int) settings.connectTimeout().toMillis();
        var config = DefaultJedisClientConfig.builder()
                // Left to negotiate, a client that is opened while Redis is away mistakes every later answer.
                .serverDefaultProtocol()
                .user(settings.user().isEmpty() ? null : settings.user())
                .password(settings.password().isEmpty() ? null : settings.password())
                .database(settings.database())
                .connectionTimeoutMillis(wait)
                .socketTimeoutMillis(wait)
                // How long a subscriber waits for any answer before it takes the connection for dead.
                .blockingSocketTimeoutMillis(30_000)
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED);
        if (settings.tls()) {
            config.sslOptions(RedisTls.trusting(settings.tlsCa()));
        }
        return config.build();
    }
}
