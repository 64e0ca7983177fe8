package tally.frame.redis;

import java.net.SocketTimeoutException;
import java.util.Map;
import javax.net.ssl.SSLHandshakeException;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/** What is wrong with Redis, in words for the person who looks after it. */
public final class RedisFailure {

    private static final Map<String, String> REFUSALS = Map.of(
            "LOADING", "Redis is reading its data",
            "MISCONF", "Redis could not save to disk and refuses to count until it can",
            "OOM command", "Redis is full, and nothing in it may be dropped",
            "READONLY", "Redis is a replica of another, and takes no writes (READONLY)",
            "NOREPLICAS", "Redis has fewer replicas than min-replicas-to-write asks for (NOREPLICAS)",
            "BUSY", "Redis is busy with a script that runs too long (BUSY)");

    private RedisFailure() {}

    public static String inWords(JedisException failure) {
        return switch (failure) {
            case JedisConnectionException away ->
                switch (away.getCause()) {
                    case SSLHandshakeException untrusted -> "Redis' certificate is not trusted, or not of this host";
                    case SocketTimeoutException slow -> "Redis did not answer in time";
                    case null, default -> "Redis can't be reached";
                };
            case JedisDataException refused ->
                refusal(String.valueOf(refused.getMessage()).lines().findFirst().orElse(""));
            default -> "No connection to Redis was free in time";
        };
    }

    /** Redis' own words begin with a code; from inside a script some versions put others in front. */
    private static String refusal(String message) {
        return REFUSALS.entrySet().stream()
                .filter(known -> message.contains(known.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse("Redis refused: " + message);
    }
}
