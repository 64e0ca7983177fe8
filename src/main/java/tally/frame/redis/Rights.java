package tally.frame.redis;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Says in one line of the log which commands Redis' user lacks: a Redis of one's own has rules of its own, and an
 * answer names the first of them alone.
 *
 * <p>It is asked once, as soon as Redis can be reached. Nothing depends on the answer.
 */
public final class Rights implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("tally.redis");
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Supplier<List<String>> keys;
    private final String user;
    private final LuaScript script;
    private final Thread thread = Thread.ofVirtual().name("rights").unstarted(this::run);

    /** {@code keys} names a key of each kind; the empty user is Redis' default one. */
    public Rights(UnifiedJedis redis, Supplier<List<String>> keys, String user) {
        this.keys = keys;
        this.user = user.isEmpty() ? "default" : user;
        script = new LuaScript(redis, "/commands.lua", "/rights.lua");
    }

    public void start() {
        thread.start();
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void run() {
        try {
            while (!isTold()) {
                Thread.sleep(PAUSE);
            }
        } catch (InterruptedException stopping) {
            LOG.debug("Its rights were never asked for");
        }
    }

    private boolean isTold() {
        try {
            var lacking = lacking();
            if (!lacking.isEmpty()) {
                warn(lacking);
            }
            return true;
        } catch (JedisAccessControlException refused) {
            warn(RedisFailure.inWords(refused));
            return true;
        } catch (JedisException away) {
            LOG.debug("Its rights can't be asked for yet", away);
            return false;
        }
    }

    private String lacking() {
        return ((List<?>) script.call(keys.get(), List.of()))
                .stream().map(String::valueOf).distinct().collect(Collectors.joining(", "));
    }

    private void warn(String lacking) {
        LOG.warn("Redis' user {} lacks rights that Tally needs: {}", user, lacking);
    }
}
