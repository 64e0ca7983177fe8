package tally.frame.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

    /** The script is the text of these resources, one after the other. */
    public LuaScript(UnifiedJedis redis, String... resources) {
        this.redis = redis;
        text = Stream.of(resources).map(LuaScript::read).collect(Collectors.joining());
        try {
            hash = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException absent) {
            throw new IllegalStateException(absent);
        }
    }

    private static String read(String resource) {
        try (var file = LuaScript.class.getResourceAsStream(resource)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
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
