package tally;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The layers that a setting comes from, a later one winning: {@code reference.conf}, a conf file, {@code .env}, the
 * environment, the command line.
 *
 * <p>{@code reference.conf} is the one list of keys. Their other spellings are derived from it: {@code redis.pool-size}
 * is {@code REDIS_POOL_SIZE} in the environment and {@code --redis-pool-size} as a flag, and each secret can also be read
 * from a file, {@code REDIS_PASSWORD_FILE}. So are the help text and the listing of values with their origins.
 *
 * <p>Every value keeps its origin, which the errors ({@link Settings.Invalid}) name.
 */
record Layers(CommandLine.Command command, Config merged) {

    private static final Config REFERENCE = reference();

    /** The keys, in the order of the file. */
    private static final List<String> PATHS = leaves(REFERENCE)
            .sorted(Comparator.comparingInt(leaf -> leaf.value().origin().lineNumber())).map(Leaf::path).toList();

    static boolean isSecret(String path) {
        return path.endsWith("password") || path.equals("redis.url");
    }

    /** Reads all layers; {@code environment} is that of the process. */
    static Layers read(List<String> arguments, Map<String, String> environment) {
        var line = CommandLine.parse(arguments, known(), switches());
        if (line.command() == CommandLine.Command.HELP || line.command() == CommandLine.Command.VERSION) {
            return new Layers(line.command(), REFERENCE);
        }
        var flags = line.flags();
        var set = new HashMap<>(environment);
        set.values().removeIf(String::isEmpty);
        var conf = Optional.ofNullable(flags.getOrDefault("--conf", set.get("TALLY_CONF")));
        var env = Optional.ofNullable(flags.getOrDefault("--env-file", set.get("TALLY_ENV_FILE")));
        var merged = layer(flags, "command line ", Layers::flag)
                .withFallback(layer(set, "environment variable ", Layers::variable))
                .withFallback(envFile(env))
                .withFallback(conf.map(Layers::confFile).orElseGet(ConfigFactory::empty))
                .withFallback(REFERENCE);
        try {
            return new Layers(line.command(), merged.resolve());
        } catch (ConfigException unresolved) {
            throw invalid(unresolved);
        }
    }

    /** The help text: how to start, then every key with its comment, flag, variable and default. */
    static String help() {
        var text = new StringBuilder("""
                Tally: a self-hosted visit counter.

                usage: java -jar tally.jar [--conf FILE] [--env-file FILE] [--KEY VALUE]...
                       java -jar tally.jar --print-config | --version | --help

                A value comes from the last of these layers that has it: the default, a conf file in HOCON
                (--conf or TALLY_CONF), an env file (--env-file or TALLY_ENV_FILE, else .env in the working folder),
                the environment, the command line. An empty variable counts as not set.
                --print-config shows which layer won.

                """);
        for (var path : PATHS) {
            var value = REFERENCE.getValue(path);
            text.append("  %s VALUE  (%s, %s; default %s)%n".formatted(flag(path), path, variable(path), render(value)));
            value.origin().comments().forEach(line -> text.append("      ").append(line.strip()).append('\n'));
            if (isSecret(path)) {
                text.append("      Better kept in a file: %s_FILE or %s-file.%n".formatted(variable(path), flag(path)));
            }
        }
        return text.toString();
    }

    /** Every value with its origin, as HOCON that can be read again; secrets are masked. */
    String print() {
        return PATHS.stream().map(path -> {
            var value = merged.getValue(path);
            var shown = isSecret(path) && !merged.getString(path).isEmpty() ? "\"******\"" : render(value);
            var origin = value.origin().equals(REFERENCE.getValue(path).origin()) ? "default" : value.origin().description();
            return "%-40s # %s%n".formatted(path + " = " + shown, origin);
        }).collect(Collectors.joining());
    }

    private static String flag(String path) {
        return "--" + path.replace('.', '-');
    }

    private static String variable(String path) {
        return path.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    private static Set<String> known() {
        return Stream.concat(Stream.of("--conf", "--env-file"), PATHS.stream().flatMap(path ->
                isSecret(path) ? Stream.of(flag(path), flag(path) + "-file") : Stream.of(flag(path)))).collect(Collectors.toSet());
    }

    private static Set<String> switches() {
        return PATHS.stream().filter(path -> REFERENCE.getValue(path).valueType() == ConfigValueType.BOOLEAN)
                .map(Layers::flag).collect(Collectors.toSet());
    }

    /** One layer of named values: the flags, the environment, or the lines of an env file. */
    private static Config layer(Map<String, String> values, String origin, UnaryOperator<String> spelling) {
        var layer = ConfigFactory.empty();
        for (var path : PATHS) {
            var name = spelling.apply(path);
            var fileName = spelling.apply(path + "-file");
            var value = values.get(name);
            var from = origin + name;
            if (isSecret(path) && values.containsKey(fileName)) {
                if (value != null) {
                    throw new Settings.Invalid("%s: set %s or %s, not both (from %s)".formatted(path, name, fileName, origin.strip()));
                }
                from = "file " + values.get(fileName) + ", named by " + origin + fileName;
                value = readFile(path, values.get(fileName), origin + fileName).strip();
            }
            if (value != null) {
                layer = layer.withValue(path, ConfigValueFactory.fromAnyRef(value, from));
            }
        }
        return RedisUrl.spelledOut(layer);
    }

    private static Config envFile(Optional<String> named) {
        if (named.isEmpty() && !Files.exists(Path.of(".env"))) {
            return ConfigFactory.empty();
        }
        var file = named.orElse(".env");
        return layer(EnvFile.parse(readFile("--env-file", file, "the env file")), file + ": ", Layers::variable);
    }

    private static Config confFile(String name) {
        try {
            var file = ConfigFactory.parseFile(Path.of(name).toFile(),
                    ConfigParseOptions.defaults().setAllowMissing(false).setOriginDescription(name));
            leaves(file).filter(leaf -> !PATHS.contains(leaf.path())).findFirst().ifPresent(unknown -> {
                throw new Settings.Invalid("%s: unknown setting (from %s); --help lists them"
                        .formatted(unknown.path(), unknown.value().origin().description()));
            });
            return RedisUrl.spelledOut(file);
        } catch (ConfigException.IO missing) {
            throw new Settings.Invalid("--conf: can't read the file '" + name + "'");
        } catch (ConfigException broken) {
            throw invalid(broken);
        }
    }

    private static Settings.Invalid invalid(ConfigException broken) {
        return new Settings.Invalid(broken.getMessage().lines().findFirst().orElse("not HOCON"));
    }

    private static String readFile(String key, String name, String origin) {
        try {
            return Files.readString(Path.of(name));
        } catch (IOException | RuntimeException unreadable) {
            throw new Settings.Invalid("%s: can't read the file '%s' (from %s)".formatted(key, name, origin));
        }
    }

    private static Config reference() {
        try (var reader = new InputStreamReader(Layers.class.getResourceAsStream("/reference.conf"), StandardCharsets.UTF_8)) {
            return ConfigFactory.parseReader(reader, ConfigParseOptions.defaults().setOriginDescription("reference.conf"));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private record Leaf(String path, ConfigValue value) {}

    private static Stream<Leaf> leaves(Config config) {
        return config.entrySet().stream()
                .map(entry -> new Leaf(String.join(".", ConfigUtil.splitPath(entry.getKey())), entry.getValue()));
    }

    private static String render(ConfigValue value) {
        return value.render(ConfigRenderOptions.concise());
    }
}
