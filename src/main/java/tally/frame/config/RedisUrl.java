package tally.frame.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/**
 * Reads {@code redis.url} as the settings that it stands for: {@code redis://[user][:password]@host[:port][/database]},
 * or {@code rediss:} for TLS.
 *
 * <p>They rank just below the other settings of the layer that the address stands in: a flag {@code --redis-port} wins
 * over the environment's {@code REDIS_URL}.
 */
final class RedisUrl {

    private static final String PATH = "redis.url";

    private RedisUrl() {}

    /** The layer with what its address stands for, each with the address' origin. */
    static Config spelledOut(Config layer) {
        if (!layer.hasPath(PATH) || layer.getString(PATH).isEmpty()) {
            return layer;
        }
        var value = layer.getValue(PATH);
        var url = parse(value);
        var parts = with(ConfigFactory.empty(), "tls", url.getScheme().equals("rediss"), value);
        parts = with(parts, "host", url.getHost(), value);
        if (url.getPort() >= 0) {
            parts = with(parts, "port", url.getPort(), value);
        }
        if (url.getPath().length() > 1) {
            parts = with(parts, "database", url.getPath().substring(1), value);
        }
        if (url.getRawUserInfo() != null) {
            var userAndPassword = url.getRawUserInfo().split(":", 2);
            parts = with(parts, "user", decoded(userAndPassword[0]), value);
            if (userAndPassword.length == 2) {
                parts = with(parts, "password", decoded(userAndPassword[1]), value);
            }
        }
        return layer.withFallback(parts);
    }

    private static URI parse(ConfigValue value) {
        try {
            var url = new URI((String) value.unwrapped());
            if (("redis".equals(url.getScheme()) || "rediss".equals(url.getScheme()))
                    && url.getHost() != null
                    && url.getQuery() == null) {
                return url;
            }
        } catch (URISyntaxException malformed) {
            // Its message would show the password.
        }
        throw new InvalidSetting(
                PATH + ": its value is not redis://[user:password@]host[:port][/database], or rediss:// for TLS (from "
                        + value.origin().description() + ")");
    }

    private static Config with(Config config, String key, Object value, ConfigValue from) {
        return config.withValue(
                "redis." + key,
                ConfigValueFactory.fromAnyRef(value, from.origin().description()));
    }

    /** A plus is itself here; only in a query is it a space. */
    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
