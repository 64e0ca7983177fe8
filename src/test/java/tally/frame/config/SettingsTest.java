package tally.frame.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tally.Settings;
import tally.frame.http.HttpSettings;
import tally.frame.http.StopSettings;
import tally.frame.redis.RedisSettings;

class SettingsTest {

    @TempDir
    private Path folder;

    private String conf;
    private String env;

    @BeforeEach
    void files() throws IOException {
        conf = write("app.conf", "message = conf\nredis { port = 1001 }\n");
        env = write("env", "TALLY_MESSAGE=env-file\n");
    }

    @Test
    void theDefaultIsTheLowestLayer() {
        assertThat(settings(Map.of()).message()).isEqualTo("Welcome to Tally");
        assertThat(settings(Map.of()).redis().port()).isEqualTo(6379);
    }

    @Test
    void aConfFileWinsOverTheDefault() {
        assertThat(settings(Map.of(), "--conf", conf).message()).isEqualTo("conf");
        assertThat(settings(Map.of("TALLY_CONF", conf)).redis().port()).isEqualTo(1001);
    }

    @Test
    void anEnvFileWinsOverAConfFile() {
        assertThat(settings(Map.of(), "--conf", conf, "--env-file", env).message())
                .isEqualTo("env-file");
        assertThat(settings(Map.of(), "--conf", conf, "--env-file", env).redis().port())
                .isEqualTo(1001);
    }

    @Test
    void theEnvironmentWinsOverAnEnvFile() {
        assertThat(settings(Map.of("TALLY_MESSAGE", "environment"), "--env-file", env)
                        .message())
                .isEqualTo("environment");
        assertThat(settings(Map.of("TALLY_MESSAGE", ""), "--env-file", env).message())
                .isEqualTo("env-file");
    }

    @Test
    void theCommandLineWinsOverAll() {
        assertThat(settings(
                                Map.of("TALLY_MESSAGE", "environment"),
                                "--message",
                                "flag",
                                "--env-file",
                                env,
                                "--conf",
                                conf)
                        .message())
                .isEqualTo("flag");
        assertThat(settings(Map.of("TALLY_DEBUG", "false"), "--debug").debug()).isTrue();
        assertThat(settings(Map.of(), "--message=").message()).isEmpty();
    }

    @Test
    void aSecretCanBeReadFromAFileThatAnyLayerNames() throws IOException {
        var secret = write("secret", "s3cret\n");
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", secret)).redis().password())
                .isEqualTo("s3cret");
        assertThat(settings(Map.of(), "--redis-password-file", secret).redis().password())
                .isEqualTo("s3cret");
        assertThat(settings(Map.of(), "--env-file", write("env", "REDIS_PASSWORD_FILE=" + secret))
                        .redis()
                        .password())
                .isEqualTo("s3cret");
    }

    @Test
    void printConfigShowsWhoWonAndNoSecret() throws IOException {
        var printed = ConfigLayers.read(
                        List.of("--conf", conf, "--print-config", "--port", "1"),
                        Map.of("REDIS_PASSWORD_FILE", write("secret", "s3cret"), "TALLY_MESSAGE", "hi"))
                .print();
        assertThat(printed).doesNotContain("s3cret").contains("redis.password = \"******\"");
        assertThat(printed).containsPattern("port = \"1\" +# command line --port\n");
        assertThat(printed).containsPattern("message = \"hi\" +# environment variable TALLY_MESSAGE\n");
        assertThat(printed).containsPattern("redis.port = 1001 +# \\S+app.conf: 2\n");
        assertThat(printed).containsPattern("redis.database = 0 +# default\n");
    }

    @Test
    void helpNamesEveryKeyWithItsFlagVariableDefaultAndComment() {
        assertThat(ConfigLayers.help())
                .contains("--redis-pool-size VALUE  (redis.pool-size, TALLY_REDIS_POOL_SIZE; default 16)")
                .contains("--redis-port VALUE  (redis.port, TALLY_REDIS_PORT or REDIS_PORT; default 6379)")
                .contains("Most connections at once.")
                .contains("TALLY_REDIS_PASSWORD_FILE");
    }

    @Test
    void aMistakeIsNamedWithKeyValueAndOrigin() throws IOException {
        assertRefused(
                "redis.port: 'abc' is not a whole number from 1 to 65535 (from environment variable TALLY_REDIS_PORT)",
                Map.of("TALLY_REDIS_PORT", "abc"));
        assertRefused(
                "port: '70000' is not a whole number from 0 to 65535 (from command line --port)",
                Map.of(),
                "--port",
                "70000");
        assertRefused(
                "redis.timeout: 'soon' is not a time such as 500ms or 10s, at most 400 days (from "
                        + write("env", "TALLY_REDIS_TIMEOUT=soon") + ": TALLY_REDIS_TIMEOUT)",
                Map.of(),
                "--env-file",
                folder.resolve("env").toString());
        assertRefused(
                "redis.prot: unknown setting (from " + write("typo.conf", "redis.prot = 1") + ": 1); --help lists them",
                Map.of(),
                "--conf",
                folder.resolve("typo.conf").toString());
        assertRefused("--prot: unknown flag (from command line); --help lists them", Map.of(), "--prot", "1");
        assertRefused("--port: needs a value (from command line)", Map.of(), "--port");
        assertRefused("--conf: can't read the file '/nowhere'", Map.of(), "--conf", "/nowhere");
        assertRefused(
                "--env-file: can't read the file '/nowhere' (from the env file)", Map.of(), "--env-file", "/nowhere");
        assertRefused(
                "--env-file: can't read the file '/nowhere' (from the env file)", Map.of("TALLY_ENV_FILE", "/nowhere"));
        assertRefused("--conf: can't read the file '/nowhere'", Map.of("TALLY_CONF", "/nowhere"));
        assertRefused(
                "redis.password: can't read the file '/nowhere' (from environment variable REDIS_PASSWORD_FILE)",
                Map.of("REDIS_PASSWORD_FILE", "/nowhere"));
        assertRefused(
                "debug: 'perhaps' is not true or false (from environment variable TALLY_DEBUG)",
                Map.of("TALLY_DEBUG", "perhaps"));
    }

    @ParameterizedTest
    @CsvSource({
        "port, 0, 65535",
        "redis.port, 1, 65535",
        "redis.database, 0, 1000000",
        "redis.pool-size, 1, 10000",
        // counter:begin numbers
        "visits.max-waiting, 1, 2500",
        "visits.max-pages, 0, 1000000",
        "counting.new-names, 0, 1000000",
        "events.max-clients, 0, 1000000",
        // counter:end
        "http.max-in-flight, 1, 100000"
    })
    void aNumberIsTakenWithinItsBoundsAndNotBeyond(String key, long least, long most) {
        assertTaken(key, Long.toString(least), Long.toString(most), "+" + most);
        assertNotTaken(
                key,
                "a whole number from %d to %d".formatted(least, most),
                Long.toString(least - 1),
                Long.toString(most + 1),
                most + ".5",
                "0x10",
                "1e1",
                "9".repeat(20));
    }

    @ParameterizedTest
    @CsvSource({
        "redis.connect-timeout, 400 days",
        "redis.timeout, 400 days",
        "redis.pool-wait, 400 days",
        // counter:begin
        "session.ttl, 400 days",
        "cache.ttl, 1 minute",
        "cache.stale, 1 minute",
        // counter:end
        "http.idle-timeout, 400 days",
        "stop.announce, 400 days",
        "stop.drain, 400 days"
    })
    void aTimeIsTakenWithinItsBoundsAndNotBeyond(String key, String most) {
        assertTaken(key, "0", "1ms", most.replace(" ", ""));
        long millis = (most.equals("1 minute") ? Duration.ofMinutes(1) : Duration.ofDays(400)).toMillis() + 1;
        assertNotTaken(key, "a time such as 500ms or 10s, at most " + most, "-1ms", millis + "ms", "1fortnight");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // counter:begin
                "session.max-memory",
                // counter:end
                "http.max-body"
            })
    void aSizeIsTakenWithinItsBoundsAndNotBeyond(String key) {
        assertTaken(key, "0", "64KiB", "1GiB", "1073741824");
        assertNotTaken(key, "a size such as 64KiB, at most 1GiB", "-1", "1073741825", "1TiB", "1bit");
    }

    @Test
    void eachKeyIsItsOwnSetting() throws IOException {
        var all = write("all.conf", """
                host = h
                port = 1
                message = m
                production = true
                debug = true
                redis { host = r, port = 2, database = 3, user = u, password = p, tls = true, tls-ca = ca
                  connect-timeout = 4s, timeout = 5s, pool-size = 6, pool-wait = 7s }
                http { max-in-flight = 15, max-body = 16KiB, idle-timeout = 17s }
                stop { announce = 18s, drain = 1500ms }
                """);
        var settings = settings(Map.of(), "--conf", all);
        assertThat(settings)
                .isEqualTo(new Settings(
                        new HttpSettings("h", 1, 15, 16 * 1024, Duration.ofSeconds(17)),
                        new StopSettings(Duration.ofSeconds(18), Duration.ofMillis(1500)),
                        new RedisSettings(
                                "r",
                                2,
                                3,
                                "u",
                                "p",
                                true,
                                "ca",
                                Duration.ofSeconds(4),
                                Duration.ofSeconds(5),
                                6,
                                Duration.ofSeconds(7)),
                        settings.service(),
                        "m",
                        true));
    }

    // counter:begin
    @Test
    void aSiteThatIsNoneIsRefused() {
        for (var site : List.of("Blog.Example", "https://blog.example", "blog.example/a", "..", "total")) {
            assertRefused(
                    ("counting.sites: '%s' is not a site such as blog.example, in lower case "
                                    + "(from environment variable TALLY_COUNTING_SITES)")
                            .formatted(site),
                    Map.of("TALLY_COUNTING_SITES", "a.example " + site));
        }
    }
    // counter:end

    @ParameterizedTest
    @CsvSource({"0s, 2000", "1s, 2000", "1001ms, 2002", "5s, 10000"})
    void aRequestHasTwiceTheTimeOfACallAndTwoSecondsAtLeast(String timeout, long millis) {
        assertThat(settings(Map.of(), "--redis-timeout", timeout).redis().perRequest())
                .isEqualTo(Duration.ofMillis(millis));
    }

    @Test
    void aConfFileThatIsNoneIsNamed() throws IOException {
        assertThatThrownBy(() -> settings(Map.of(), "--conf", write("broken.conf", "message = {")))
                .isInstanceOf(InvalidSetting.class)
                .message()
                .contains("broken.conf: 1")
                .hasLineCount(1);
        assertThatThrownBy(() -> settings(Map.of(), "--conf", write("open.conf", "message = ${nowhere}")))
                .isInstanceOf(InvalidSetting.class)
                .message()
                .contains("open.conf: 1", "${nowhere}")
                .hasLineCount(1);
    }

    @Test
    void whoAsksForHelpGetsItWhateverElseIsWrong() {
        for (var flag : List.of("--help", "-h")) {
            assertThat(ConfigLayers.read(
                                    List.of(flag, "--port", "none"),
                                    Map.of("TALLY_PORT", "none", "TALLY_CONF", "/nowhere"))
                            .command())
                    .isEqualTo(CommandLine.Command.HELP);
        }
        assertThat(ConfigLayers.read(List.of("--version"), Map.of("TALLY_CONF", "/nowhere"))
                        .command())
                .isEqualTo(CommandLine.Command.VERSION);
        assertThat(ConfigLayers.read(List.of("--print-config"), Map.of()).command())
                .isEqualTo(CommandLine.Command.PRINT_CONFIG);
        assertThat(ConfigLayers.read(List.of(), Map.of()).command()).isEqualTo(CommandLine.Command.RUN);
        assertThat(settings(Map.of(), "--debug", "--message", "-1").message())
                .as("a flag begins with two dashes")
                .isEqualTo("-1");
    }

    private static void assertTaken(String key, String... values) {
        for (var value : values) {
            settings(Map.of(), "--" + key.replace('.', '-') + "=" + value);
        }
    }

    private static void assertNotTaken(String key, String expected, String... values) {
        var flag = "--" + key.replace('.', '-');
        for (var value : values) {
            assertRefused(
                    "%s: '%s' is not %s (from command line %s)".formatted(key, value, expected, flag),
                    Map.of(),
                    flag + "=" + value);
        }
    }

    @Test
    void aRedisAddressStandsForItsPartsInItsOwnLayer() {
        var redis = settings(Map.of("REDIS_URL", "rediss://app:p%40ss+word@cache:7000/3"))
                .redis();
        assertThat(redis.host()).isEqualTo("cache");
        assertThat(redis.port()).isEqualTo(7000);
        assertThat(redis.database()).isEqualTo(3);
        assertThat(redis.user()).isEqualTo("app");
        assertThat(redis.password()).isEqualTo("p@ss+word");
        assertThat(redis.tls()).isTrue();
        var plain = settings(Map.of("REDIS_URL", "redis://cache/")).redis();
        assertThat(plain)
                .isEqualTo(new RedisSettings(
                        "cache",
                        6379,
                        0,
                        "",
                        "",
                        false,
                        "",
                        plain.connectTimeout(),
                        plain.timeout(),
                        plain.poolSize(),
                        plain.poolWait()));
        assertThat(settings(Map.of("REDIS_URL", "redis://:only-a-password@cache"))
                        .redis()
                        .password())
                .isEqualTo("only-a-password");
        assertRefused(
                "redis.port: '0' is not a whole number from 1 to 65535 (from environment variable REDIS_URL)",
                Map.of("REDIS_URL", "redis://cache:0"));
        var environment = Map.of("REDIS_URL", "redis://cache", "REDIS_PORT", "1");
        assertThat(settings(environment).redis().port()).isEqualTo(1);
        assertThat(settings(environment, "--redis-host", "flag").redis().host()).isEqualTo("flag");
        assertThat(settings(environment, "--redis-url", "redis://flag:2")
                        .redis()
                        .port())
                .isEqualTo(2);
    }

    @Test
    void aRedisAddressThatIsNoneIsRefusedWithoutShowingItsPassword() {
        var expected =
                "redis.url: its value is not redis://[user:password@]host[:port][/database], or rediss:// for TLS "
                        + "(from environment variable REDIS_URL)";
        for (var wrong : List.of("http://cache", "redis://", "cache:6379", "redis://app:s3cret@ca che")) {
            assertRefused(expected, Map.of("REDIS_URL", wrong));
        }
        var printed = ConfigLayers.read(List.of("--print-config"), Map.of("REDIS_URL", "redis://app:s3cret@cache"))
                .print();
        assertThat(printed)
                .doesNotContain("s3cret")
                .containsPattern("redis.host = \"cache\" +# environment variable REDIS_URL\n");
    }

    @Test
    void variablesOfOthersChangeNothing() throws IOException {
        var foreign = new HashMap<String, String>();
        // What shells, language tools, hosts and CI export.
        for (var name : List.of(
                "HOST",
                "HOSTNAME",
                "MESSAGE",
                "DEBUG",
                "PRODUCTION",
                "VERSION",
                "ENV",
                "USER",
                "PASSWORD",
                "URL",
                "DATABASE",
                "TIMEOUT",
                "CONF",
                "ENV_FILE",
                "CACHE_TTL",
                "CACHE_STALE",
                "SESSION_TTL",
                "HTTP_MAX_BODY",
                "HTTP_IDLE_TIMEOUT",
                "EVENTS_MAX_CLIENTS",
                "STOP_DRAIN",
                "SERVICE_NAME",
                "REDIS_TIMEOUT",
                "REDIS_POOL_SIZE",
                "REDIS_VERSION",
                "REDIS_DOWNLOAD_URL",
                "REDIS_CONNECT_TIMEOUT")) {
            foreign.put(name, "of another program");
        }
        // Kubernetes' links to services called redis, tally, and tally-redis.
        for (var service : List.of("REDIS", "TALLY", "TALLY_REDIS")) {
            foreign.put(service + "_PORT", "tcp://10.96.0.10:6379");
            foreign.put(service + "_PORT_6379_TCP", "tcp://10.96.0.10:6379");
            foreign.put(service + "_PORT_6379_TCP_ADDR", "10.96.0.10");
            foreign.put(service + "_SERVICE_HOST", "10.96.0.10");
            foreign.put(service + "_SERVICE_PORT", "6379");
        }
        foreign.put("PORT", "/dev/ttyUSB0");
        assertThat(settings(foreign)).isEqualTo(settings(Map.of()));
        var envFile = new StringBuilder();
        foreign.forEach(
                (name, value) -> envFile.append(name).append('=').append(value).append('\n'));
        assertThat(settings(Map.of(), "--env-file", write("foreign", envFile.toString())))
                .isEqualTo(settings(Map.of()));
    }

    @Test
    void whatIsPassedOverIsTold() {
        var layers = ConfigLayers.read(
                List.of("--print-config"),
                Map.of("REDIS_PORT", "tcp://10.96.0.10:6379", "REDIS_URL", "redis://r:7000/0"));
        assertThat(Settings.of(layers.merged()).redis().port()).isEqualTo(7000);
        assertThat(layers.print())
                .startsWith(
                        "# REDIS_PORT is passed over: 'tcp://10.96.0.10:6379' is no port (from environment variable);"
                                + " a port of yours would be TALLY_REDIS_PORT\n");
    }

    @Test
    void theNamesThatPeopleAreUsedToCountUnlessTheOtherIsThere() {
        assertThat(settings(Map.of("REDIS_HOST", "r", "REDIS_PORT", "1", "PORT", "2")))
                .satisfies(settings -> {
                    assertThat(settings.redis().host()).isEqualTo("r");
                    assertThat(settings.redis().port()).isEqualTo(1);
                    assertThat(settings.http().port()).isEqualTo(2);
                });
        var both = settings(Map.of(
                "TALLY_REDIS_URL",
                "redis://mine:7000",
                "REDIS_HOST",
                "another",
                "REDIS_PORT",
                "1",
                "TALLY_PORT",
                "3",
                "PORT",
                "2"));
        assertThat(both.redis().host()).isEqualTo("mine");
        assertThat(both.redis().port()).isEqualTo(7000);
        assertThat(both.http().port()).isEqualTo(3);
        assertRefused(
                "port: '70000' is not a whole number from 0 to 65535 (from environment variable PORT)",
                Map.of("PORT", "70000"));
    }

    @Test
    void theSamplePasswordIsRefusedInProduction() throws IOException {
        var sample = Path.of("conf/local/secrets/redis-password").toString();
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", sample)).redis().password())
                .isNotEmpty();
        assertRefused(
                "redis.password: is the sample of the repository, which is not for production (from file " + sample
                        + ", named by environment variable REDIS_PASSWORD_FILE); scripts/secrets.sh makes one",
                Map.of("REDIS_PASSWORD_FILE", sample, "TALLY_PRODUCTION", "true"));
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", write("secret", "one of my own"), "TALLY_PRODUCTION", "true"))
                        .redis()
                        .password())
                .isNotEmpty();
    }

    @Test
    void anEnvFileIsReadAsComposeReadsIt() {
        assertThat(EnvFile.parse("""
                # a comment
                PLAIN=a b   # and why
                export QUOTED="a # b"
                SINGLE='$x'
                HASH=a#b
                EMPTY=
                not a variable
                """))
                .isEqualTo(Map.of("PLAIN", "a b", "QUOTED", "a # b", "SINGLE", "$x", "HASH", "a#b"));
    }

    private static Settings settings(Map<String, String> environment, String... flags) {
        return Settings.of(ConfigLayers.read(List.of(flags), environment).merged());
    }

    private static void assertRefused(String message, Map<String, String> environment, String... flags) {
        assertThatThrownBy(() -> settings(environment, flags))
                .isInstanceOf(InvalidSetting.class)
                .hasMessage(message);
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }
}
