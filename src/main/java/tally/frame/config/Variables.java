package tally.frame.config;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What settings are called in the environment and in env files: {@code TALLY_} and the key,
 * {@code TALLY_REDIS_POOL_SIZE}.
 *
 * <p>Variables of many names exist for other reasons ({@code DEBUG}, {@code HOST}, {@code MESSAGE}), so without the
 * prefix there are only those that people and hosts are used to: {@code PORT}, and what says where Redis is. Of these,
 * and of what Kubernetes makes of a service called tally, a port counts only where it can be meant as one.
 */
final class Variables {

    private static final Set<String> ALSO_WITHOUT = Set.of(
            "port",
            "redis.url",
            "redis.url-file",
            "redis.host",
            "redis.port",
            "redis.database",
            "redis.user",
            "redis.password",
            "redis.password-file",
            "redis.tls",
            "redis.tls-ca");

    private Variables() {}

    static String name(String path) {
        return "TALLY_" + plain(path);
    }

    /** The name without the prefix, or empty where there is none. */
    static String shortName(String path) {
        return ALSO_WITHOUT.contains(path) ? plain(path) : "";
    }

    /** The names for a reader of the help. */
    static String names(String path) {
        return ALSO_WITHOUT.contains(path) ? name(path) + " or " + plain(path) : name(path);
    }

    /** The values that are set and can be meant for Tally; each that can't is told, in a sentence. */
    static Map<String, String> meant(Map<String, String> values, String origin, Consumer<String> told) {
        var meant = new HashMap<>(values);
        meant.values().removeIf(String::isEmpty);
        for (var path : Set.of("port", "redis.port")) {
            // Kubernetes' links to services: REDIS_PORT=tcp://10.96.0.10:6379.
            passOver(meant, name(path), ".*://.*", origin, told);
            passOver(meant, plain(path), "(?!\\s*[+-]?\\d+\\s*$).*", origin, told);
        }
        return meant;
    }

    private static void passOver(
            Map<String, String> values, String name, String notMeant, String origin, Consumer<String> told) {
        var value = values.getOrDefault(name, "0");
        if (value.matches("(?s)" + notMeant)) {
            values.remove(name);
            told.accept("%s is passed over: '%s' is no port (from %s); a port of yours would be TALLY_%s"
                    .formatted(name, value, origin.strip().replaceFirst(":$", ""), name.replaceFirst("^TALLY_", "")));
        }
    }

    private static String plain(String path) {
        return path.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }
}
