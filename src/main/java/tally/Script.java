package tally;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * A script among the resources that Redis runs in one step, called by its hash; a Redis that does not know it, as after
 * a restart, is given it and asked again.
 *
 * <p>Thread-safe.
 */
final class Script {

    private final UnifiedJedis redis;
    private final String text;
    private final String hash;

    Script(UnifiedJedis redis, String resource) {
        this.redis = redis;
        try (var file = Script.class.getResourceAsStream(resource)) {
            var bytes = file.readAllBytes();
            text = new String(bytes, StandardCharsets.UTF_8);
            hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        } catch (NoSuchAlgorithmException absent) {
            throw new IllegalStateException(absent);
        }
    }

    Object call(List<String> keys, List<String> arguments) {
        try {
            return redis.evalsha(hash, keys, arguments);
        } catch (JedisNoScriptException unknown) {
            redis.scriptLoad(text);
            return redis.evalsha(hash, keys, arguments);
        }
    }
}
