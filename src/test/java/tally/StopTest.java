package tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;

/**
 * In which order the service goes: what is under way and what waits is answered, what comes is sent elsewhere, nothing
 * is left.
 */
class StopTest {

    // counter:begin
    private static final Pattern THREAD =
            Pattern.compile("#\\d+ \"(visits|subscription|pulse|announcer|events-sender)\"");

    @TempDir
    private Path folder;

    @Test
    void nothingIsLeftOfIt() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect()) {
            Eventually.isTrue("none of the tests before", () -> threads().isEmpty());
            try (var service = TestTally.start("127.0.0.1", redis.port())) {
                service.get("/");
                service.get("/api/stats");
                assertThat(threads()).hasSize(5);
                Eventually.isTrue(
                        "it has its connections",
                        () -> admin.clientList().lines().count() >= 4);
            }
            Eventually.isTrue(
                    "no connection to Redis", () -> admin.clientList().lines().count() == 1);
            Eventually.isTrue("no thread", () -> threads().isEmpty());
        }
    }
    // counter:end

    // counter:begin
    @Test
    void whoIsUnderWayOrWaitsIsAnswered() throws Exception {
        try (var redis = new LocalRedis(folder);
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var service =
                        TestTally.start("127.0.0.1", redis.port(), "--redis-timeout", "30s", "--stop-drain", "60s")) {
            service.get("/");
            redis.pause();
            var first = threads.submit(() -> service.get("/").visits());
            Eventually.isTrue(
                    "one is under way", () -> service.get("/metrics").body().contains("tally_batch_visits_count 2\n"));
            var waiting = IntStream.range(0, 3)
                    .mapToObj(i -> threads.submit(() -> service.get("/").status()))
                    .toList();
            Eventually.isTrue(
                    "three wait behind it", () -> service.get("/metrics").body().contains("tally_waiting 3.0\n"));
            int port = service.address("/").getPort();
            var stopped = service.stop();
            Eventually.isTrue("it listens no more", () -> !isListening(port));
            assertThat(stopped).isNotDone();
            redis.resume();
            assertThat(first.get()).isEqualTo(2);
            for (var one : waiting) {
                assertThat(one.get()).isEqualTo(200);
            }
            assertThat(stopped).succeedsWithin(Duration.ofSeconds(60));
        }
    }
    // counter:end

    /** What Nginx sends in the last moment on a connection that it keeps. */
    @Test
    void whoComesWhileItStopsIsSentToAnother() {
        try (var service = TestTally.start()) {
            assertThat(service.get("/health/live").status()).isEqualTo(200);
            service.beginToStop();
            var answer = service.get("/health/live");
            assertThat(answer.status())
                    .as("for 502 Nginx asks another replica, for 503 none")
                    .isEqualTo(502);
            assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(answer.json().required("detail").asText()).isEqualTo("This replica is stopping");
        }
    }

    @Test
    void theAnnouncementIsInHealthAloneAndOnEachAnswer() {
        try (var service = TestTally.start("--stop-announce", "10s")) {
            assertThat(service.get("/health").json().required("status").asText())
                    .isEqualTo("up");
            var stopped = service.stop();
            Eventually.isTrue("it is announced", () -> service.get("/health").status() == 503);
            var health = service.get("/health");
            assertThat(health.json().required("status").asText()).isEqualTo("stopping");
            assertThat(health.json().at("/redis/status").asText()).isEqualTo("up");
            assertThat(health.header("Connection")).isEqualTo("close");
            var other = service.get("/");
            assertThat(other.status()).isEqualTo(200);
            assertThat(other.header("Connection")).isEqualTo("close");
            assertThat(stopped).isNotDone();
        }
    }

    // counter:begin
    @Test
    void whatIsUnderWayForTooLongIsNotWaitedFor() {
        try (var redis = new LocalRedis(folder);
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var service =
                        TestTally.start("127.0.0.1", redis.port(), "--redis-timeout", "60s", "--stop-drain", "200ms")) {
            service.get("/");
            redis.pause();
            try {
                var underWay = threads.submit(() -> service.get("/"));
                Eventually.isTrue(
                        "it is under way",
                        () -> service.get("/metrics").body().contains("tally_batch_visits_count 2\n"));
                assertThat(service.stop()).succeedsWithin(Duration.ofSeconds(30));
                assertThatThrownBy(underWay::get).hasCauseInstanceOf(UncheckedIOException.class);
            } finally {
                redis.resume();
            }
        }
    }

    private static boolean isListening(int port) {
        try (var socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (ConnectException closed) {
            return false;
        } catch (IOException other) {
            throw new IllegalStateException(other);
        }
    }

    /** Those of the service's own, virtual ones among them. */
    private List<String> threads() {
        try {
            var dump = folder.resolve("threads-" + System.nanoTime()).toAbsolutePath();
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            return THREAD.matcher(Files.readString(dump))
                    .results()
                    .map(MatchResult::group)
                    .toList();
        } catch (IOException unwritable) {
            throw new IllegalStateException(unwritable);
        }
    }
    // counter:end
}
