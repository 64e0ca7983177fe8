package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.frame.config.ConfigLayers;
import tally.load.BadInput;
import tally.support.Eventually;
import tally.support.TallyProcess;

/** The service as a process: its exit status, what it prints and logs, and how it stops. */
class ProcessTest {

    private static final String TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|[+-]\\d\\d:\\d\\d) ";

    @TempDir
    private Path folder;

    @Test
    void aMistakeIsOneLineAndExitStatus2() throws Exception {
        try (var process = TallyProcess.run(folder, "--redis-prot", "1")) {
            assertThat(process.exitStatus()).isEqualTo(2);
            assertThat(process.errors())
                    .isEqualTo("tally: --redis-prot: unknown flag (from command line); --help lists them\n");
            assertThat(process.output()).isEmpty();
        }
    }

    @Test
    void aTakenPortIsOneLineAndExitStatus2() throws Exception {
        try (var redis = new LocalRedis(folder);
                var process =
                        TallyProcess.run(folder, "--host", "127.0.0.1", "--port", Integer.toString(redis.port()))) {
            assertThat(process.exitStatus()).isEqualTo(2);
            assertThat(process.errors())
                    .startsWith("tally: port: can't listen on 127.0.0.1:" + redis.port() + ": ")
                    .hasLineCount(1);
        }
    }

    @Test
    void whatIsAskedForIsPrintedAndNothingIsStarted() throws Exception {
        try (var process = TallyProcess.run(folder, "--version")) {
            assertThat(process.exitStatus()).isZero();
            assertThat(process.output()).matches("tally \\S+, revision \\S+\n");
            assertThat(process.errors()).isEmpty();
        }
        try (var process = TallyProcess.run(folder, "--help")) {
            assertThat(process.exitStatus()).isZero();
            assertThat(process.output()).isEqualTo(ConfigLayers.help());
        }
        try (var process = TallyProcess.run(folder, "--print-config", "--port", "70000")) {
            assertThat(process.exitStatus()).isEqualTo(2);
            assertThat(process.output()).isEmpty();
            assertThat(process.errors()).startsWith("tally: port: '70000' is not");
        }
    }

    @Test
    void aQuietLifeIsThreeLinesInTheLog() throws Exception {
        try (var redis = new LocalRedis(folder);
                var tally = TallyProcess.serve(folder, redis.port())) {
            for (var path : List.of(
                    "/",
                    // counter:begin
                    "/api/visits",
                    "/api/stats",
                    "/badge/total.svg?color=none",
                    // counter:end
                    "/nowhere",
                    "/health",
                    "/metrics")) {
                assertThat(tally.status(path)).as(path).isIn(200, 400, 404);
            }
            tally.signal("TERM");
            assertThat(tally.exitStatus()).isEqualTo(143);
            assertLog(
                    tally,
                    "INFO tally - Tally \\S+ answers on http://127\\.0\\.0\\.1:" + tally.port(),
                    "INFO tally - Stopping",
                    "INFO tally - Stopped");
        }
    }

    /** However often it was asked: what is away is told by /health and by the metrics. */
    @Test
    void aRedisThatIsAwayFillsNoLog() throws Exception {
        try (var redis = new LocalRedis(folder);
                var tally = TallyProcess.serve(folder, redis.port())) {
            assertThat(tally.status("/")).isEqualTo(200);
            // counter:begin
            // Whose news could not be told would be a line.
            Eventually.isTrue("it is told", () -> isPublished(redis));
            // counter:end
            redis.stop();
            for (int i = 0; i < 10; i++) {
                for (var path : List.of(
                        "/",
                        // counter:begin
                        "/api/visits",
                        "/api/stats",
                        "/api/session",
                        // counter:end
                        "/health",
                        "/metrics")) {
                    assertThat(tally.status(path)).as(path).isIn(200, 404, 503);
                }
            }
            redis.start();
            Eventually.isTrue("counts again", () -> tally.status("/") == 200);
            tally.signal("TERM");
            assertThat(tally.exitStatus()).isEqualTo(143);
            assertLog(
                    tally,
                    "INFO tally - Tally \\S+ answers on http://127\\.0\\.0\\.1:" + tally.port(),
                    "INFO tally - Stopping",
                    "INFO tally - Stopped");
        }
    }

    // counter:begin
    @Test
    void sigtermAnswersTheRequestsUnderWayAndAnnouncesItFirst() throws Exception {
        try (var redis = new LocalRedis(folder);
                var tally = TallyProcess.serve(
                        folder,
                        redis.port(),
                        "--stop-announce",
                        "500ms",
                        "--redis-timeout",
                        "20s",
                        "--stop-drain",
                        "60s")) {
            assertThat(tally.status("/")).isEqualTo(200);
            redis.pause();
            var underWay = tally.ask("/");
            Eventually.isTrue("one is under way", () -> metric(tally, "tally_batch_visits_count 2"));
            var waiting = List.of(tally.ask("/"), tally.ask("/"), tally.ask("/"));
            Eventually.isTrue("and three wait behind it", () -> metric(tally, "tally_waiting 3.0"));
            tally.signal("TERM");
            // The announcement asks whoever keeps a connection to leave it.
            Eventually.isTrue(
                    "says that it stops",
                    () -> tally.ask("/health/live")
                            .join()
                            .headers()
                            .firstValue("Connection")
                            .isPresent());
            Eventually.isTrue("listens no more", () -> tally.status("/health/live") == 0);
            assertThat(underWay).isNotDone();
            redis.resume();
            assertThat(underWay.get(20, TimeUnit.SECONDS).body()).contains("\"visits\":2");
            for (var one : waiting) {
                assertThat(one.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            }
            assertThat(tally.exitStatus()).isEqualTo(143);
        }
    }
    // counter:end

    @Test
    void whatRedisUserMayNotIsOneLine() throws Exception {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect()) {
            admin.aclSetUser(
                    "mine",
                    "on",
                    ">secret",
                    "~*",
                    "&*",
                    "+@all",
                    // counter:begin without
                    "-incrby",
                    "-zadd",
                    "-publish",
                    "-pfadd",
                    "-set",
                    "-expire");
            // counter:end
            try (var tally =
                    TallyProcess.serve(folder, redis.port(), "--redis-user", "mine", "--redis-password", "secret")) {
                Eventually.isTrue("says what it may not", () -> tally.errors().contains("lacks"));
                assertThat(tally.errors().lines().filter(line -> line.contains("lacks")))
                        .singleElement()
                        .asString()
                        .endsWith("Redis' user mine lacks rights that Tally needs: "
                                // counter:begin lacking
                                + "INCRBY, ZADD, EXPIRE, PFADD, SET, PUBLISH");
                // counter:end
                assertThat(admin.keys("*")).isEmpty();
            }
        }
    }

    // counter:begin
    @Test
    void aStopThatWaitsInVainIsOneLineMore() throws Exception {
        try (var redis = new LocalRedis(folder);
                var tally = TallyProcess.serve(
                        folder,
                        redis.port(),
                        "--redis-timeout",
                        "60s",
                        "--stop-announce",
                        "0s",
                        "--stop-drain",
                        "200ms")) {
            assertThat(tally.status("/")).isEqualTo(200);
            Eventually.isTrue("it is told", () -> isPublished(redis));
            redis.pause();
            try {
                var _ = tally.ask("/");
                Eventually.isTrue("one is under way", () -> metric(tally, "tally_batch_visits_count 2"));
                tally.signal("TERM");
                assertThat(tally.exitStatus()).isEqualTo(143);
            } finally {
                redis.resume();
            }
            assertLog(
                    tally,
                    "INFO tally - Tally \\S+ answers on http://127\\.0\\.0\\.1:" + tally.port(),
                    "INFO tally - Stopping",
                    "WARN tally - Requests were still under way after PT0\\.2S",
                    "INFO tally - Stopped");
        }
    }
    // counter:end

    /** Nothing that a client sends is worth a line. */
    @Test
    void whatIsWrongWithRequestsFillsNoLog() throws Exception {
        try (var redis = new LocalRedis(folder);
                var tally = TallyProcess.serve(folder, redis.port())) {
            var badInput = BadInput.send(new InetSocketAddress("127.0.0.1", tally.port()), 2000, 1);
            assertThat(badInput.wrong()).isEmpty();
            tally.signal("TERM");
            assertThat(tally.exitStatus()).isEqualTo(143);
            assertLog(
                    tally,
                    "INFO tally - Tally \\S+ answers on http://127\\.0\\.0\\.1:" + tally.port(),
                    "INFO tally - Stopping",
                    "INFO tally - Stopped");
        }
    }

    // counter:begin
    /** Its rights were tried out, and a visit was told. */
    private static boolean isPublished(LocalRedis redis) {
        try (var admin = redis.connect()) {
            return admin.info("commandstats").contains("cmdstat_publish:calls=2,");
        }
    }

    private static boolean metric(TallyProcess tally, String line) {
        return tally.ask("/metrics").join().body().contains(line + "\n");
    }
    // counter:end

    private static void assertLog(TallyProcess tally, String... lines) {
        var log = tally.errors().lines().toList();
        assertThat(log.stream().limit(lines.length + 3L)).hasSize(lines.length);
        for (int i = 0; i < lines.length; i++) {
            assertThat(log.get(i)).matches(TIME + lines[i]);
        }
    }
}
