package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tally.frame.config.ConfigLayers;

/**
 * What stands in two places and must agree: nginx.conf, compose.yaml, redis.conf, the pages, and the defaults of the
 * service.
 */
class AgreementsTest {

    private final Settings defaults =
            Settings.of(ConfigLayers.read(List.of(), Map.of()).merged());
    private final String nginx = read("nginx.conf");
    private final String compose = read("compose.yaml");
    private final String redis = read("conf/redis.conf");

    @Test
    void nginxClosesAQuietConnectionBeforeTheServiceDoes() {
        var upstream = found(nginx, "(?s)upstream app \\{(.*?)\n  }");
        assertThat(defaults.http().idleTimeout())
                .isGreaterThan(Duration.ofSeconds(Long.parseLong(found(upstream, "keepalive_timeout (\\d+)s;"))));
        assertThat(number(upstream, "\n    keepalive (\\d+);"))
                .as("connections that are kept")
                .isGreaterThanOrEqualTo(defaults.http().maxInFlight());
    }

    @Test
    void theServiceHasStoppedBeforeDockerKillsIt() {
        var grace = Duration.ofSeconds(number(service("app"), "stop_grace_period: (\\d+)s"));
        assertThat(defaults.stop().announce().plus(defaults.stop().drain()).plusSeconds(2))
                .isLessThan(grace);
    }

    // counter:begin
    @Test
    void aReplicaTakesWhatNginxLetsPass() {
        assertThat(defaults.service().events().maxClients())
                .isEqualTo((int) number(nginx, "limit_conn open_pages (\\d+);"));
        var session = found(nginx, "(?s)location = /api/session \\{(.*?)}");
        assertThat(defaults.http().maxBody()).isEqualTo(number(session, "client_max_body_size (\\d+)k;") * 1024);
    }
    // counter:end

    // counter:begin
    @Test
    void nginxHasAConnectionOnBothSidesForEachOpenPageAndAFileForEach() {
        long connections = number(nginx, "worker_connections (\\d+);");
        assertThat(connections)
                .isGreaterThanOrEqualTo(2L * defaults.service().events().maxClients() + 2000);
        assertThat(number(service("nginx"), "nofile: (\\d+)")).isGreaterThan(connections);
    }
    // counter:end

    @Test
    void redisHasRoomForWhatTheServiceKeepsThere() {
        long memory = number(redis, "\nmaxmemory (\\d+)mb") << 20;
        // counter:begin
        assertThat(defaults.service().session().maxMemory()).as("a third").isLessThanOrEqualTo(memory / 3);
        // counter:end
        assertThat(memory)
                .as("room for a snapshot beside the data")
                .isLessThanOrEqualTo((number(service("redis"), "memory: (\\d+)m") << 20) / 2);
        // counter:begin connections
        // Those for requests, one for visits, one for open pages.
        int connections = defaults.redis().poolSize() + 2;
        // counter:end
        assertThat(connections).isEqualTo((int) number(redis, "A replica of the app takes up to (\\d+)"));
        assertThat(number(redis, "\nmaxclients (\\d+)"))
                .as("of twenty replicas")
                .isGreaterThanOrEqualTo(20L * connections);
    }

    @Test
    void everyVariableOfTheStackIsExplainedWhereItIsSet() {
        var used = Pattern.compile("\\$\\{([A-Z0-9_]+)")
                .matcher(compose)
                .results()
                .map(one -> one.group(1))
                .filter(name -> !name.startsWith("COMPOSE_"))
                .distinct()
                .sorted()
                .toList();
        assertThat(used).contains("HTTP_PORT", "TALLY_VERSION");
        for (var environment : List.of("local", "prod")) {
            var manual = read("conf/" + environment + "/.env");
            assertThat(used)
                    .as(environment)
                    .allSatisfy(name -> assertThat(manual).containsPattern("(?m)^" + name + "="));
        }
    }

    // counter:begin
    @Test
    void theReadmeNamesTheLimitsOfEachEnvironment() {
        var row = found(
                read("src/docs/production.md"), "\\| requests a second of a client: reads, writes, health (\\|.*)");
        assertThat(row).isEqualTo("| " + String.join(" | ", limits("local"), limits("local"), limits("prod")) + " |");
    }
    // counter:end

    // counter:begin
    @Test
    void theReadmeNamesTheReplicasOfProduction() {
        var row = found(read("src/docs/production.md"), "\\| app replicas, each at most (\\|.*)");
        var production = found(read("conf/prod/compose.yaml"), "(?s)\n  app:(.*?)\n\n");
        assertThat(row).endsWith("| " + number(production, "replicas: (\\d+)") + ", of half a CPU and 512 MB |");
        assertThat(production).contains("limits: { memory: 512m, cpus: \"${CPU_LIMIT:-0.5}\"");
        assertThat(row).startsWith("| 1, of 1 CPU and 512 MB |");
        assertThat(service("app")).contains("limits: { memory: 512m, cpus: \"${CPU_LIMIT:-1}\"");
    }
    // counter:end

    // counter:begin
    @Test
    void theReadmeIsShortAndEachLinkLeadsSomewhere() throws IOException {
        assertThat(read("README.md").lines()).hasSizeLessThanOrEqualTo(120);
        try (var pages = Files.list(Path.of("src/docs"))) {
            var all = Stream.concat(Stream.of(Path.of("README.md")), pages).toList();
            assertThat(all).hasSizeGreaterThan(5).allSatisfy(page -> {
                var links = Pattern.compile("]\\(([^):#]+)[)#]")
                        .matcher(Files.readString(page))
                        .results()
                        .map(link -> link.group(1))
                        .toList();
                assertThat(links)
                        .as("%s", page)
                        .allSatisfy(link -> assertThat(page.resolveSibling(link).normalize())
                                .exists());
                // From the first page all others are found.
                var named = all.stream()
                        .map(other -> other.getFileName().toString())
                        .filter(name -> !name.equals("README.md"))
                        .toList();
                assertThat(read("README.md")).contains(named);
            });
        }
    }
    // counter:end

    // counter:begin
    /** The formatter leaves comments and strings as long as they are. */
    @Test
    void noLineOfJavaIsLongerThan120Characters() throws IOException {
        try (var files = Files.walk(Path.of("src"))) {
            var sources =
                    files.filter(file -> file.toString().endsWith(".java")).toList();
            assertThat(sources)
                    .hasSizeGreaterThan(100)
                    .allSatisfy(source -> assertThat(Files.readAllLines(source))
                            .as("%s", source)
                            .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120)));
        }
    }
    // counter:end

    // counter:begin
    private static String limits(String environment) {
        var limits = read("conf/" + environment + "/nginx/http/limits.conf");
        return "%d, %d, %d"
                .formatted(
                        number(limits, "zone=pages:4m rate=(\\d+)r/s"),
                        number(limits, "zone=writes:4m rate=(\\d+)r/s"),
                        number(limits, "zone=health:4m rate=(\\d+)r/s"));
    }
    // counter:end

    private String service(String name) {
        return found(compose, "(?s)\n  " + name + ":\n(.*?)\n(\n  [a-z]+:\n|\nnetworks:)");
    }

    private static long number(String text, String pattern) {
        return Long.parseLong(found(text, pattern));
    }

    private static String found(String text, String pattern) {
        var found = Pattern.compile(pattern).matcher(text);
        assertThat(found.find()).as(pattern).isTrue();
        return found.group(1);
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException absent) {
            throw new AssertionError(absent);
        }
    }
}
