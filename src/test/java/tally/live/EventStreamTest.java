package tally.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.counting.Keys;
import tally.dev.LocalRedis;
import tally.load.Load;
import tally.support.Eventually;
import tally.support.RealRedis;
import tally.support.TestTally;

class EventStreamTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    void aPlaceIsFreeAsSoonAsItsPageHasLeft() throws Exception {
        try (var service = TestTally.start("--events-max-clients", "1")) {
            try (var page = new Socket("127.0.0.1", service.address("/").getPort())) {
                page.getOutputStream()
                        .write("GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                assertThat(page.getInputStream().read()).isEqualTo('H');
                assertThat(service.get("/api/events").status()).isEqualTo(503);
            }
            assertThat(service.get("/api/events").status()).isEqualTo(200);
        }
    }

    @Test
    void aVisitOnOneReplicaIsSeenOnEveryOther() throws Exception {
        try (var one = TestTally.start();
                var two = TestTally.start();
                var page = new Listener(two)) {
            page.await("\"visits\":0");
            one.get("/");
            page.await("event: visit");
            page.await("data: {\"visits\":1,\"pages\":{}}");
            one.send("POST", "/api/visits/home", "");
            page.await("data: {\"visits\":2,\"pages\":{\"home\":1}}");
        }
    }

    @Test
    void theSiteOfAPageIsToldAsWellWhateverIsInTheName() throws Exception {
        try (var service = TestTally.start();
                var page = new Listener(service)) {
            service.send("POST", "/api/visits/blog.example/a%20b=%22c%22%25", "");
            page.await("data: {\"visits\":1,\"pages\":{\"blog.example\":1,\"blog.example/a b=\\\"c\\\"%\":1}}");
        }
    }

    @Test
    void aNewClientIsToldTheTotalAndWhenToComeBack() throws Exception {
        try (var service = TestTally.start()) {
            service.get("/");
            try (var first = new Listener(service)) {
                first.await("\"visits\":1");
            }
            try (var page = new Listener(service, "Last-Event-ID: anything")) {
                page.await("retry: 2000");
                page.await("\"visits\":1");
                assertThat(page.head())
                        .contains("200")
                        .contains("text/event-stream")
                        .contains("X-Accel-Buffering: no");
            }
        }
    }

    @Test
    @Tag("long")
    void manyVisitsAreFewEventsAndTheLastTellsThemAll() throws Exception {
        try (var service = TestTally.start();
                var page = new Listener(service)) {
            page.await("\"visits\":0");
            var load = Load.send(List.of(service.address("/")), 16, 5000);
            assertThat(load.failed()).isZero();
            page.await("\"visits\":5000");
            // Ten a second, for as long as the load took.
            assertThat(page.seen()).filteredOn(line -> line.startsWith("data:")).hasSizeLessThan(300);
        }
    }

    @Test
    void moreClientsThanAllowedAreRefusedAndAPlaceThatIsLeftIsFree() throws Exception {
        try (var service = TestTally.start("--events-max-clients", "1")) {
            try (var page = new Listener(service)) {
                page.await("retry:");
                assertThat(service.get("/api/events").status()).isEqualTo(503);
                assertThat(service.get("/api/events").header("Retry-After")).isEqualTo("1");
            }
            Eventually.isTrue("the place is free", () -> {
                service.get("/");
                try (var next = new Listener(service)) {
                    return next.head().contains("200");
                } catch (IOException refused) {
                    return false;
                }
            });
        }
    }

    @Test
    @Tag("long")
    void hundredsOfOpenPagesKeepNobodyWaiting() throws Exception {
        var pages = new ArrayList<Listener>();
        try (var service = TestTally.start()) {
            for (var i = 0; i < 500; i++) {
                pages.add(new Listener(service));
            }
            service.get("/");
            for (var page : pages) {
                page.await("\"visits\":1");
            }
        } finally {
            for (var page : pages) {
                page.close();
            }
        }
    }

    @Test
    void aClientThatDoesNotReadIsCutOffAndTheOthersHearAll() throws Exception {
        try (var service = TestTally.start();
                var page = new Listener(service);
                var slow = new Socket();
                var redis = RealRedis.shared().connect()) {
            slow.setReceiveBufferSize(1024);
            slow.connect(new InetSocketAddress("127.0.0.1", service.address("/").getPort()));
            slow.getOutputStream()
                    .write("GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            page.await("retry:");
            Eventually.isTrue(
                    "both are open", () -> service.get("/metrics").body().contains("tally_events_clients 2.0"));
            // So many pages at once that what the system keeps for a client that does not read is soon full.
            var pages = IntStream.range(0, 5000)
                    .mapToObj(i -> "p".repeat(60) + i + "=1")
                    .collect(Collectors.joining(" "));
            var told = new AtomicInteger();
            Eventually.isTrue("the one that does not read is cut off", () -> {
                redis.publish(Keys.CHANNEL, told.incrementAndGet() + " " + pages);
                return service.get("/metrics").body().contains("tally_events_clients 1.0");
            });
            page.await("\"visits\":" + told.get());
        }
    }

    @Test
    void afterRedisComesBackThePageIsLiveAgainWithWhatItMissed() throws Exception {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port());
                var page = new Listener(service)) {
            service.get("/");
            page.await("\"visits\":1");
            redis.stop();
            redis.start();
            Eventually.isTrue("counts", () -> service.get("/").status() == 200);
            page.await("\"visits\":2");
            service.get("/");
            page.await("\"visits\":3");
        }
    }

    /** Were they let go later, the stop would wait for them as for any request. */
    @Test
    void stoppingLetsOpenPagesGoAtOnceAndInOrder() throws Exception {
        var service = TestTally.start("--stop-drain", "60s");
        try (service;
                var page = new Listener(service)) {
            page.await("retry:");
            assertThat(service.stop()).succeedsWithin(Duration.ofSeconds(30));
            assertThat(page.ended()).isTrue();
            assertThat(page.rest()).as("with the last chunk").endsWith("0", "");
        }
    }

    /** A page that is open: its socket, and the lines that came. */
    private static final class Listener implements AutoCloseable {
        private final Socket socket;
        private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        private final List<String> seen = new ArrayList<>();
        private final Thread reader;
        private final StringBuilder head = new StringBuilder();

        Listener(TestTally service, String... headers) throws IOException {
            socket = new Socket("127.0.0.1", service.address("/").getPort());
            var request = "GET /api/events HTTP/1.1\r\nHost: a\r\n"
                    + (headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n") + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            for (var line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                head.append(line).append('\n');
            }
            reader = Thread.startVirtualThread(() -> {
                try {
                    for (var line = in.readLine(); line != null; line = in.readLine()) {
                        lines.add(line);
                    }
                } catch (IOException closed) {
                    lines.add("closed");
                }
            });
        }

        String head() {
            return head.toString();
        }

        List<String> seen() {
            return seen;
        }

        void await(String part) throws InterruptedException {
            for (String line = ""; !line.contains(part); ) {
                line = lines.poll(10, TimeUnit.SECONDS);
                assertThat(line).as("a line with %s, after %s", part, seen).isNotNull();
                seen.add(line);
            }
        }

        boolean ended() throws InterruptedException {
            return reader.join(Duration.ofSeconds(20));
        }

        List<String> rest() {
            return List.copyOf(lines);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
