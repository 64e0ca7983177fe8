package tally.frame.redis;

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
 * a restart, is asked again with its text, which it keeps.
 *
 * <p>Thread-safe.
 */
public final class LuaScript {

    private final UnifiedJedis redis;
    private final String text;
    private final String hash;

    public LuaScript(UnifiedJedis redis, String resource) {
        this.redis = redis;
        try (var file = LuaScript.class.getResourceAsStream(resource)) {
            var bytes = file.readAllBytes();
            text = new String(bytes, StandardCharsets.UTF_8);
            hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        } catch (NoSuchAlgorithmException absent) {
            throw new IllegalStateException(absent);
        }
    }

    public Object call(List<String> keys, List<String> arguments) {
        try {
            return redis.evalsha(hash, keys, arguments);
        } catch (JedisNoScriptException unknown) {
            // Not loaded and then called by its hash: it could be forgotten in between.
            return redis.eval(text, keys, arguments);
        }
    }
}
