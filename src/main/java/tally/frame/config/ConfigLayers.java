package tally.frame.config;

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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
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
 * is {@code TALLY_REDIS_POOL_SIZE} in the environment ({@link Variables}) and {@code --redis-pool-size} as a flag, and
 * each secret can also be read from a file, {@code TALLY_REDIS_PASSWORD_FILE}. So are the help text and the listing of
 * values with their origins.
 *
 * <p>Every value keeps its origin, which the errors ({@link InvalidSetting}) name.
 */
public record ConfigLayers(CommandLine.Command command, Config merged, List<String> notes) {

    private static final Config REFERENCE = reference();

    /** The keys, in the order of the file. */
    private static final List<String> PATHS = leaves(REFERENCE)
            .sorted(Comparator.comparingInt(leaf -> leaf.value().origin().lineNumber()))
            .map(Leaf::path)
            .toList();

    /** Reads all layers; {@code environment} is that of the process. */
    public static ConfigLayers read(List<String> arguments, Map<String, String> environment) {
        var line = CommandLine.parse(arguments, known(), switches());
        if (line.command() == CommandLine.Command.HELP || line.command() == CommandLine.Command.VERSION) {
            return new ConfigLayers(line.command(), REFERENCE, List.of());
        }
        var flags = line.flags();
        var notes = new ArrayList<String>();
        var set = Variables.meant(environment, "environment variable ", notes::add);
        var conf = Optional.ofNullable(flags.getOrDefault("--conf", set.get("TALLY_CONF")));
        var env = Optional.ofNullable(flags.getOrDefault("--env-file", set.get("TALLY_ENV_FILE")));
        var merged = layer(flags, "command line ", ConfigLayers::flag)
                .withFallback(variables(set, "environment variable "))
                .withFallback(envFile(env, notes))
                .withFallback(conf.map(ConfigLayers::confFile).orElseGet(ConfigFactory::empty))
                .withFallback(REFERENCE);
        try {
            return new ConfigLayers(line.command(), merged.resolve(), List.copyOf(notes));
        } catch (ConfigException unresolved) {
            throw invalid(unresolved);
        }
    }

    /** The help text: how to start, then every key with its comment, flag, variable and default. */
    public static String help() {
        var text = new StringBuilder("""
                Tally: a self-hosted visit counter.

                usage: java -jar tally.jar [--conf FILE] [--env-file FILE] [--KEY VALUE]...
                       java -jar tally.jar --print-config | --version | --help

                A value comes from the last of these layers that has it: the default, a conf file in HOCON
                (--conf or TALLY_CONF), an env file (--env-file or TALLY_ENV_FILE, else .env in the working folder),
                the environment, the command line. An empty variable counts as not set, and so does a port that is none,
                such as the tcp://... that Kubernetes sets. --print-config shows which layer won.

                """);
        for (var path : PATHS) {
            var value = REFERENCE.getValue(path);
            text.append("  %s VALUE  (%s, %s; default %s)%n"
                    .formatted(flag(path), path, Variables.names(path), render(value)));
            value.origin()
                    .comments()
                    .forEach(line -> text.append("      ").append(line.strip()).append('\n'));
            if (SettingReader.isSecret(path)) {
                text.append("      Better kept in a file: %s_FILE or %s-file.%n"
                        .formatted(Variables.name(path), flag(path)));
            }
        }
        return text.toString();
    }

    /** Every value with its origin, as HOCON that can be read again, and what was passed over; secrets are masked. */
    public String print() {
        return notes.stream().map("# %s%n"::formatted).collect(Collectors.joining())
                + PATHS.stream()
                        .map(path -> {
                            var value = merged.getValue(path);
                            var shown = SettingReader.isSecret(path)
                                            && !merged.getString(path).isEmpty()
                                    ? "\"******\""
                                    : render(value);
                            var origin = value.origin()
                                            .equals(REFERENCE.getValue(path).origin())
                                    ? "default"
                                    : value.origin().description();
                            return "%-40s # %s%n".formatted(path + " = " + shown, origin);
                        })
                        .collect(Collectors.joining());
    }

    private static String flag(String path) {
        return "--" + path.replace('.', '-');
    }

    private static Set<String> known() {
        return Stream.concat(
                        Stream.of("--conf", "--env-file"),
                        PATHS.stream()
                                .flatMap(path -> SettingReader.isSecret(path)
                                        ? Stream.of(flag(path), flag(path) + "-file")
                                        : Stream.of(flag(path))))
                .collect(Collectors.toSet());
    }

    private static Set<String> switches() {
        return PATHS.stream()
                .filter(path -> REFERENCE.getValue(path).valueType() == ConfigValueType.BOOLEAN)
                .map(ConfigLayers::flag)
                .collect(Collectors.toSet());
    }

    /** The environment, or the lines of an env file; the names with the prefix win. */
    private static Config variables(Map<String, String> values, String origin) {
        return layer(values, origin, Variables::name).withFallback(layer(values, origin, Variables::shortName));
    }

    /** One layer of named values. */
    private static Config layer(Map<String, String> values, String origin, UnaryOperator<String> spelling) {
        var layer = ConfigFactory.empty();
        for (var path : PATHS) {
            var name = spelling.apply(path);
            var fileName = spelling.apply(path + "-file");
            var value = values.get(name);
            var from = origin + name;
            if (SettingReader.isSecret(path) && values.containsKey(fileName)) {
                if (value != null) {
                    throw new InvalidSetting(
                            "%s: set %s or %s, not both (from %s)".formatted(path, name, fileName, origin.strip()));
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

    private static Config envFile(Optional<String> named, List<String> notes) {
        if (named.isEmpty() && !Files.exists(Path.of(".env"))) {
            return ConfigFactory.empty();
        }
        var file = named.orElse(".env");
        var lines = EnvFile.parse(readFile("--env-file", file, "the env file"));
        return variables(Variables.meant(lines, file + ": ", notes::add), file + ": ");
    }

    private static Config confFile(String name) {
        try {
            var file = ConfigFactory.parseFile(
                    Path.of(name).toFile(),
                    ConfigParseOptions.defaults().setAllowMissing(false).setOriginDescription(name));
            leaves(file)
                    .filter(leaf -> !PATHS.contains(leaf.path()))
                    .findFirst()
                    .ifPresent(unknown -> {
                        throw new InvalidSetting("%s: unknown setting (from %s); --help lists them"
                                .formatted(
                                        unknown.path(), unknown.value().origin().description()));
                    });
            return RedisUrl.spelledOut(file);
        } catch (ConfigException.IO missing) {
            throw new InvalidSetting("--conf: can't read the file '" + name + "'");
        } catch (ConfigException broken) {
            throw invalid(broken);
        }
    }

    private static InvalidSetting invalid(ConfigException broken) {
        return new InvalidSetting(
                String.valueOf(broken.getMessage()).lines().findFirst().orElse("not HOCON"));
    }

    private static String readFile(String key, String name, String origin) {
        try {
            return Files.readString(Path.of(name));
        } catch (IOException | RuntimeException unreadable) {
            throw new InvalidSetting("%s: can't read the file '%s' (from %s)".formatted(key, name, origin));
        }
    }

    private static Config reference() {
        try (var reader = new InputStreamReader(
                ConfigLayers.class.getResourceAsStream("/reference.conf"), StandardCharsets.UTF_8)) {
            return ConfigFactory.parseReader(
                    reader, ConfigParseOptions.defaults().setOriginDescription("reference.conf"));
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
