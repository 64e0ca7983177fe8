package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.load.Load;
import tally.support.Eventually;
import tally.support.RealRedis;
import tally.support.TestTally;
import tally.support.Wire;

class ExactlyOnceTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    @Tag("long")
    void manyClientsOfTwoInstancesGetDistinctNumbersAndAnExactTotal() {
        try (var one = TestTally.start();
                var other = TestTally.start()) {
            var result = Load.send(List.of(one.address("/"), other.address("/")), 64, 20_000);
            assertThat(result.failures()).isEmpty();
            assertThat(result.numbers()).hasSize(20_000);
            assertThat(result.distinct()).isEqualTo(20_000);
            assertThat(result.numbers()).allMatch(number -> number >= 1 && number <= 20_000);
            assertThat(one.get("/api/visits").visits()).isEqualTo(20_000);
        }
    }

    @Test
    void oneRequestIdSentInParallelToThreeInstancesIsOneVisit() throws Exception {
        try (var one = TestTally.start();
                var two = TestTally.start();
                var three = TestTally.start()) {
            var services = List.of(one, two, three);
            one.get("/");
            var numbers = inParallel(
                    50,
                    i -> services.get(i % 3).get("/", "X-Request-Id", "same").visits());
            assertThat(numbers).hasSize(50).containsOnly(2L);
            assertThat(one.get("/api/visits").visits()).isEqualTo(2);
        }
    }

    @Test
    void repeatedIdsWithinABatchAndAmongOthersMoveTheTotalOnce() throws Exception {
        try (var service = TestTally.start()) {
            var numbers = inParallel(
                    300, i -> service.get("/", "X-Request-Id", "id-" + i / 3).visits());
            assertThat(numbers.stream().distinct()).hasSize(100);
            assertThat(service.get("/api/visits").visits()).isEqualTo(100);
        }
    }

    @Test
    void aRetryAfterALostAnswerGetsTheNumberThatWasLost() {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var slow = TestTally.start("127.0.0.1", wire.port(), "--redis-timeout", "200ms");
                var other = TestTally.start("127.0.0.1", redis.port())) {
            assertThat(slow.get("/").visits()).isEqualTo(1);
            wire.breakAt("EVALSHA", Wire.Fault.SILENCE, Integer.MAX_VALUE);
            assertThat(slow.get("/", "X-Request-Id", "lost").status()).isEqualTo(503);
            Eventually.isTrue("Redis did it", () -> other.get("/api/visits").visits() == 2);
            assertThat(other.get("/", "X-Request-Id", "lost").visits()).isEqualTo(2);
            assertThat(other.get("/api/visits").visits()).isEqualTo(2);
        }
    }

    @Test
    void moreWaitingRequestsThanAllowedAreRefusedAtOnceAndTheOthersAreCounted() throws Exception {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start(
                        "127.0.0.1", redis.port(), "--visits-max-waiting", "10", "--redis-timeout", "10s")) {
            service.get("/");
            redis.pause();
            var statuses = new ArrayList<Integer>();
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var answers = new ArrayList<Future<TestTally.Answer>>();
                answers.add(threads.submit(() -> service.get("/")));
                Eventually.isTrue(
                        "one is under way",
                        () -> service.get("/metrics").body().contains("tally_batch_visits_count 2"));
                for (int i = 0; i < 39; i++) {
                    answers.add(threads.submit(() -> service.get("/")));
                }
                Eventually.isTrue(
                        "29 are refused while Redis is still away",
                        () -> answers.stream().filter(Future::isDone).count() >= 29);
                redis.resume();
                for (var answer : answers) {
                    statuses.add(answer.get(20, TimeUnit.SECONDS).status());
                }
            }
            // One under way and ten waiting.
            assertThat(statuses).filteredOn(status -> status == 200).hasSize(11);
            assertThat(statuses).filteredOn(status -> status == 503).hasSize(29);
            assertThat(service.get("/api/visits").visits()).isEqualTo(12);
        }
    }

    /** Also where others of their batch are counted. */
    @Test
    void whoIsNotCountedIsNoVisitorEither() throws Exception {
        String[] browser = {"Accept", "text/html", "User-Agent", "Mozilla/5.0 Firefox", "X-Request-Id", "same"};
        try (var service = TestTally.start("--cache-ttl", "0s", "--visits-max-pages", "0")) {
            service.get("/", browser);
            inParallel(
                    100,
                    i -> i % 2 == 0
                            ? service.get("/", browser).status()
                            : service.get("/").status());
            assertThat(service.get("/api/stats")
                            .json()
                            .required("visitorsToday")
                            .asLong())
                    .as("the one whose request was repeated")
                    .isEqualTo(1);
            inParallel(
                    100,
                    i -> i % 2 == 0
                            ? service.get("/").status()
                            : service.send("POST", "/api/visits/refused", "", "User-Agent", "Mozilla/5.0 " + i)
                                    .status());
            assertThat(service.get("/api/stats")
                            .json()
                            .required("visitorsToday")
                            .asLong())
                    .as("and none who was refused")
                    .isEqualTo(1);
        }
    }

    /** Each of a batch takes the room that the one before it left. */
    @Test
    void newPagesOfOneBatchFindNoMoreRoomThanThereIs() throws Exception {
        try (var redis = new LocalRedis(folder);
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var service = TestTally.start(
                        "127.0.0.1", redis.port(), "--visits-max-pages", "1", "--redis-timeout", "10s")) {
            service.get("/");
            redis.pause();
            var first = threads.submit(() -> service.get("/"));
            Eventually.isTrue(
                    "one is under way", () -> service.get("/metrics").body().contains("tally_batch_visits_count 2\n"));
            var pages = Stream.of("a", "b", "c")
                    .map(page -> threads.submit(() ->
                            service.send("POST", "/api/visits/" + page, "").status()))
                    .toList();
            Eventually.isTrue(
                    "three wait for the next",
                    () -> service.get("/metrics").body().contains("tally_waiting 3.0\n"));
            redis.resume();
            assertThat(first.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
            var statuses = new ArrayList<Integer>();
            for (var page : pages) {
                statuses.add(page.get(20, TimeUnit.SECONDS));
            }
            assertThat(statuses).containsExactlyInAnyOrder(200, 409, 409);
            assertThat(service.get("/api/visits").visits()).isEqualTo(3);
        }
    }

    @Test
    @Tag("long")
    void aRedisKilledUnderLoadLosesAtMostASecondOfAnsweredVisits() throws Exception {
        try (var redis = new LocalRedis(folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            var run = load(service.address("/"));
            Eventually.isTrue(
                    "many are counted", () -> service.get("/api/visits").visits() > 1000);
            long aSecondAgo = service.get("/api/visits").visits();
            Thread.sleep(1000);
            redis.kill();
            var answered = run.stop();
            redis.start();
            Eventually.isTrue("counts again", () -> service.get("/").status() == 200);
            long stored = service.get("/api/visits").visits() - 1;
            assertThat(answered.numbers()).isNotEmpty();
            assertThat(stored).isGreaterThanOrEqualTo(aSecondAgo);
        }
    }

    @Test
    @Tag("long")
    void aRedisStoppedUnderLoadLosesNothing() throws Exception {
        try (var redis = new LocalRedis(folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            var run = load(service.address("/"));
            Eventually.isTrue(
                    "many are counted", () -> service.get("/api/visits").visits() > 1000);
            redis.stop();
            var answered = run.stop();
            redis.start();
            Eventually.isTrue("answers again", () -> service.get("/api/visits").status() == 200);
            long most =
                    answered.numbers().stream().mapToLong(Long::longValue).max().orElseThrow();
            assertThat(answered.distinct()).isEqualTo(answered.numbers().size());
            assertThat(service.get("/api/visits").visits())
                    .isGreaterThanOrEqualTo(most)
                    .isGreaterThanOrEqualTo(answered.numbers().size());
        }
    }

    @Test
    @Tag("long")
    void aFullRedisDropsWhatHasATimeToLiveAndGoesOnCounting() {
        try (var redis = new LocalRedis(
                        folder, "--maxmemory", "8mb", "--maxmemory-policy", "volatile-ttl", "--save", "");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            for (int i = 0; i < 20; i++) {
                assertThat(service.send("POST", "/api/visits/page-" + i, "", "X-Request-Id", "fill-" + i)
                                .status())
                        .isEqualTo(200);
            }
            redis.fill("tally:cache:", Duration.ofHours(1));
            for (int i = 0; i < 2000; i++) {
                assertThat(service.get("/", "X-Request-Id", "full-" + i).visits())
                        .isEqualTo(21 + i);
            }
            assertThat(redis.evicted()).isPositive();
            assertThat(service.get("/api/visits").visits()).isEqualTo(2020);
            assertThat(service.get("/api/visits/page-7").visits()).isEqualTo(1);
        }
    }

    private record Run(AtomicBoolean more, CompletableFuture<Load.Result> result) {
        Load.Result stop() {
            more.set(false);
            return result.join();
        }
    }

    private static Run load(URI address) {
        var more = new AtomicBoolean(true);
        return new Run(more, CompletableFuture.supplyAsync(() -> Load.send(List.of(address), 16, more::get)));
    }

    private interface ByNumber<T> {
        T at(int i) throws Exception;
    }

    private static <T> List<T> inParallel(int times, ByNumber<T> call) throws InterruptedException, ExecutionException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var calls = new ArrayList<Callable<T>>();
            for (int i = 0; i < times; i++) {
                int at = i;
                calls.add(() -> call.at(at));
            }
            var answers = new ArrayList<T>();
            for (var future : threads.invokeAll(calls)) {
                answers.add(future.get());
            }
            return answers;
        }
    }
}
