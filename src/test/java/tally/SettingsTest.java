package tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {

    @TempDir
    private Path folder;
    private String conf;
    private String env;

    @BeforeEach
    void files() throws IOException {
        conf = write("app.conf", "message = conf\nredis { port = 1001 }\n");
        env = write("env", "MESSAGE=env-file\n");
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
        assertThat(settings(Map.of(), "--conf", conf, "--env-file", env).message()).isEqualTo("env-file");
        assertThat(settings(Map.of(), "--conf", conf, "--env-file", env).redis().port()).isEqualTo(1001);
    }

    @Test
    void theEnvironmentWinsOverAnEnvFile() {
        assertThat(settings(Map.of("MESSAGE", "environment"), "--env-file", env).message()).isEqualTo("environment");
        assertThat(settings(Map.of("MESSAGE", ""), "--env-file", env).message()).isEqualTo("env-file");
    }

    @Test
    void theCommandLineWinsOverAll() {
        assertThat(settings(Map.of("MESSAGE", "environment"), "--message", "flag", "--env-file", env, "--conf", conf).message())
                .isEqualTo("flag");
        assertThat(settings(Map.of("DEBUG", "false"), "--debug").debug()).isTrue();
        assertThat(settings(Map.of(), "--message=").message()).isEmpty();
    }

    @Test
    void aSecretCanBeReadFromAFileThatAnyLayerNames() throws IOException {
        var secret = write("secret", "s3cret\n");
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", secret)).redis().password()).isEqualTo("s3cret");
        assertThat(settings(Map.of(), "--redis-password-file", secret).redis().password()).isEqualTo("s3cret");
        assertThat(settings(Map.of(), "--env-file", write("env", "REDIS_PASSWORD_FILE=" + secret)).redis().password()).isEqualTo("s3cret");
    }

    @Test
    void printConfigShowsWhoWonAndNoSecret() throws IOException {
        var printed = Layers.read(List.of("--conf", conf, "--print-config", "--port", "1"),
                Map.of("REDIS_PASSWORD_FILE", write("secret", "s3cret"), "MESSAGE", "hi")).print();
        assertThat(printed).doesNotContain("s3cret").contains("redis.password = \"******\"");
        assertThat(printed).containsPattern("port = \"1\" +# command line --port\n");
        assertThat(printed).containsPattern("message = \"hi\" +# environment variable MESSAGE\n");
        assertThat(printed).containsPattern("redis.port = 1001 +# \\S+app.conf: 2\n");
        assertThat(printed).containsPattern("redis.database = 0 +# default\n");
    }

    @Test
    void helpNamesEveryKeyWithItsFlagVariableDefaultAndComment() {
        assertThat(Layers.help()).contains("--redis-pool-size VALUE  (redis.pool-size, REDIS_POOL_SIZE; default 16)")
                .contains("Most connections at once.").contains("REDIS_PASSWORD_FILE");
    }

    @Test
    void aMistakeIsNamedWithKeyValueAndOrigin() throws IOException {
        assertRefused("redis.port: 'abc' is not a whole number from 1 to 65535 (from environment variable REDIS_PORT)",
                Map.of("REDIS_PORT", "abc"));
        assertRefused("port: '70000' is not a whole number from 0 to 65535 (from command line --port)", Map.of(), "--port", "70000");
        assertRefused("redis.timeout: 'soon' is not a time such as 500ms or 10s, at most 400 days (from " + write("env", "REDIS_TIMEOUT=soon")
                + ": REDIS_TIMEOUT)", Map.of(), "--env-file", folder.resolve("env").toString());
        assertRefused("redis.prot: unknown setting (from " + write("typo.conf", "redis.prot = 1") + ": 1); --help lists them",
                Map.of(), "--conf", folder.resolve("typo.conf").toString());
        assertRefused("--prot: unknown flag (from command line); --help lists them", Map.of(), "--prot", "1");
        assertRefused("--port: needs a value (from command line)", Map.of(), "--port");
        assertRefused("--conf: can't read the file '/nowhere'", Map.of(), "--conf", "/nowhere");
        assertRefused("redis.password: can't read the file '/nowhere' (from environment variable REDIS_PASSWORD_FILE)",
                Map.of("REDIS_PASSWORD_FILE", "/nowhere"));
        assertRefused("debug: 'perhaps' is not true or false (from environment variable DEBUG)", Map.of("DEBUG", "perhaps"));
    }

    @Test
    void aRedisAddressStandsForItsPartsInItsOwnLayer() {
        var redis = settings(Map.of("REDIS_URL", "rediss://app:p%40ss+word@cache:7000/3")).redis();
        assertThat(redis.host()).isEqualTo("cache");
        assertThat(redis.port()).isEqualTo(7000);
        assertThat(redis.database()).isEqualTo(3);
        assertThat(redis.user()).isEqualTo("app");
        assertThat(redis.password()).isEqualTo("p@ss+word");
        assertThat(redis.tls()).isTrue();
        var environment = Map.of("REDIS_URL", "redis://cache", "REDIS_PORT", "1");
        assertThat(settings(environment).redis().port()).isEqualTo(1);
        assertThat(settings(environment, "--redis-host", "flag").redis().host()).isEqualTo("flag");
        assertThat(settings(environment, "--redis-url", "redis://flag:2").redis().port()).isEqualTo(2);
    }

    @Test
    void aRedisAddressThatIsNoneIsRefusedWithoutShowingItsPassword() {
        var expected = "redis.url: its value is not redis://[user:password@]host[:port][/database], or rediss:// for TLS (from environment variable REDIS_URL)";
        for (var wrong : List.of("http://cache", "redis://", "cache:6379", "redis://app:s3cret@ca che")) {
            assertRefused(expected, Map.of("REDIS_URL", wrong));
        }
        var printed = Layers.read(List.of("--print-config"), Map.of("REDIS_URL", "redis://app:s3cret@cache")).print();
        assertThat(printed).doesNotContain("s3cret").containsPattern("redis.host = \"cache\" +# environment variable REDIS_URL\n");
    }

    @Test
    void theSamplePasswordIsRefusedInProduction() throws IOException {
        var sample = Path.of("conf/local/secrets/redis-password").toString();
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", sample)).redis().password()).isNotEmpty();
        assertRefused("redis.password: is the sample of the repository, which is not for production (from file " + sample
                + ", named by environment variable REDIS_PASSWORD_FILE); scripts/secrets.sh makes one",
                Map.of("REDIS_PASSWORD_FILE", sample, "PRODUCTION", "true"));
        assertThat(settings(Map.of("REDIS_PASSWORD_FILE", write("secret", "one of my own"), "PRODUCTION", "true")).redis().password()).isNotEmpty();
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
                """)).isEqualTo(Map.of("PLAIN", "a b", "QUOTED", "a # b", "SINGLE", "$x", "HASH", "a#b"));
    }

    private static Settings settings(Map<String, String> environment, String... flags) {
        return Settings.of(Layers.read(List.of(flags), environment).merged());
    }

    private static void assertRefused(String message, Map<String, String> environment, String... flags) {
        assertThatThrownBy(() -> settings(environment, flags)).isInstanceOf(Settings.Invalid.class).hasMessage(message);
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }
}
