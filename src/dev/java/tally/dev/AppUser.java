package tally.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The user as which the service asks Redis in tests, with the very rules that are shipped: a command of which no rule
 * knows fails them. Whoever looks behind the service's back is Redis' default user, who may do anything.
 */
public final class AppUser {

    public static final String NAME = "app";

    private static final Path RULES = Path.of("conf/local/redis/users.acl");
    private static final Path PASSWORD = Path.of("conf/local/secrets/redis-password");
    private static final Pattern SELECTOR = Pattern.compile("\\(([^)]*)\\)");
    /** The version of Redis. */
    public static final int FIRST_WITH_SELECTORS = 7;

    private AppUser() {}

    /** Where the service finds that Redis, and as whom. */
    public static String url(String host, int port) {
        return "redis://%s:%s@%s:%d".formatted(NAME, read(PASSWORD).strip(), host, port);
    }

    /** As a Redis of that version takes them: to an old one, what is allowed on some keys is allowed on all of ours. */
    public static List<String> rules(int version) {
        var rules = read(RULES)
                .lines()
                .filter(line -> line.startsWith("user " + NAME + " "))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(RULES + " has no user " + NAME))
                .replaceFirst("user \\S+ ", "");
        if (version < FIRST_WITH_SELECTORS) {
            rules = SELECTOR.matcher(rules).replaceAll(selector -> commands(selector.group(1)));
        }
        return List.of(rules.split(" (?![^(]*\\))"));
    }

    private static String commands(String selector) {
        return Stream.of(selector.split(" "))
                .filter(rule -> !rule.startsWith("~"))
                .collect(Collectors.joining(" "));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException absent) {
            throw new UncheckedIOException(absent);
        }
    }
}
