package tally;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.time.Duration;
import java.util.function.Function;

/**
 * What can be configured, read and checked once at the start; {@code reference.conf} says what each value means.
 *
 * <p>Immutable. A value of the wrong type or out of its range is an {@link Invalid} that names key, value and origin.
 */
record Settings(String host, int port, String message, boolean debug, Redis redis, Visits visits, Session session,
        Cache cache, Events events, Http http, Stop stop) {

    record Redis(String host, int port, int database, String user, String password, boolean tls, String tlsCa,
            Duration connectTimeout, Duration timeout, int poolSize, Duration poolWait) {}

    record Visits(int maxWaiting, int maxPages) {}

    record Session(Duration ttl) {}

    record Cache(Duration ttl, Duration stale) {}

    record Events(int maxClients) {}

    /** {@code maxBody} in bytes. */
    record Http(int maxInFlight, long maxBody, Duration idleTimeout) {}

    record Stop(Duration announce, Duration drain) {}

    /** A configuration that can't be used; the message is one line for the person who wrote it. */
    static final class Invalid extends RuntimeException {
        private static final long serialVersionUID = 1;

        Invalid(String message) {
            super(message);
        }
    }

    static Settings of(Config config) {
        var read = new Reader(config);
        if (read.flag("production") && read.text("redis.password").startsWith("tally-sample-")) {
            throw new Invalid("redis.password: is the sample of the repository, which is not for production (from %s); scripts/secrets.sh makes one"
                    .formatted(config.getValue("redis.password").origin().description()));
        }
        return new Settings(read.text("host"), read.whole("port", 0, 65_535), read.text("message"), read.flag("debug"),
                new Redis(read.text("redis.host"), read.whole("redis.port", 1, 65_535), read.whole("redis.database", 0, 1_000_000),
                        read.text("redis.user"), read.text("redis.password"), read.flag("redis.tls"), read.text("redis.tls-ca"),
                        read.time("redis.connect-timeout"), read.time("redis.timeout"), read.whole("redis.pool-size", 1, 10_000), read.time("redis.pool-wait")),
                new Visits(read.whole("visits.max-waiting", 1, 2_500), read.whole("visits.max-pages", 0, 1_000_000)),
                new Session(read.time("session.ttl")),
                new Cache(read.time("cache.ttl"), read.time("cache.stale")),
                new Events(read.whole("events.max-clients", 0, 1_000_000)),
                new Http(read.whole("http.max-in-flight", 1, 100_000), read.size("http.max-body"), read.time("http.idle-timeout")),
                new Stop(read.time("stop.announce"), read.time("stop.drain")));
    }

    private record Reader(Config config) {

        String text(String path) {
            return get(path, "text", config::getString);
        }

        boolean flag(String path) {
            return get(path, "true or false", config::getBoolean);
        }

        int whole(String path, int least, int most) {
            var expected = "a whole number from " + least + " to " + most;
            int value = get(path, expected, config::getInt);
            if (value < least || value > most || !text(path).strip().matches("[+-]?\\d+")) {
                throw invalid(path, expected);
            }
            return value;
        }

        Duration time(String path) {
            var expected = "a time such as 500ms or 10s, at most 400 days";
            var value = get(path, expected, config::getDuration);
            if (value.isNegative() || value.compareTo(Duration.ofDays(400)) > 0) {
                throw invalid(path, expected);
            }
            return value;
        }

        long size(String path) {
            var expected = "a size such as 64KiB, at most 1GiB";
            long value = get(path, expected, config::getBytes);
            if (value < 0 || value > 1 << 30) {
                throw invalid(path, expected);
            }
            return value;
        }

        private <T> T get(String path, String expected, Function<String, T> getter) {
            try {
                return getter.apply(path);
            } catch (ConfigException unreadable) {
                throw invalid(path, expected);
            }
        }

        private Invalid invalid(String path, String expected) {
            var value = config.getValue(path);
            var shown = Layers.isSecret(path) ? "its value" : "'" + value.unwrapped() + "'";
            return new Invalid(path + ": " + shown + " is not " + expected + " (from " + value.origin().description() + ")");
        }
    }
}
