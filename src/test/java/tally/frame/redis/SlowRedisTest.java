package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;
import tally.support.Wire;

/** Two seconds are what a request waits for Redis in all, however many calls it makes and however slow each is. */
class SlowRedisTest {

    /** And a little for a machine that has much to do. */
    private static final Duration MOST = Duration.ofMillis(2600);

    private static final List<String> ROUTES = List.of(
            "GET /",
            "GET / page",
            "POST /api/visits/home",
            "GET /api/visits",
            "GET /api/stats",
            "GET /api/session",
            "PUT /api/session",
            "GET /badge/total.svg",
            "GET /health");

    @TempDir
    private Path folder;

    @Test
    void everyRouteAnswersInTimeWhileRedisHardlyRuns() throws Exception {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var cookie = warm(service);
            var more = new AtomicBoolean(true);
            var slices = threads.submit(() -> {
                while (more.get()) {
                    redis.pause();
                    Thread.sleep(800);
                    redis.resume();
                    Thread.sleep(4);
                }
                return null;
            });
            try {
                ask(service, cookie, threads, 4);
            } finally {
                more.set(false);
            }
            slices.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void everyRouteAnswersInTimeWhileRedisIsFarAway() throws Exception {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var cookie = warm(service);
            wire.delay(Duration.ofMillis(300));
            ask(service, cookie, threads, 2);
            wire.delay(Duration.ofMillis(700));
            ask(service, cookie, threads, 2);
        }
    }

    @Test
    void everyRouteAnswersInTimeWhileRedisHangsAndNothingIsCountedThen() throws Exception {
        try (var redis = new LocalRedis(folder);
                var service = TestTally.start("127.0.0.1", redis.port());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var cookie = warm(service);
            long before = service.get("/api/visits").visits();
            redis.pause();
            try {
                ask(service, cookie, threads, 2);
            } finally {
                redis.resume();
            }
            // What Redis was sent meanwhile it has read before this.
            Eventually.isTrue("counts again", () -> service.get("/").status() == 200);
            assertThat(service.get("/api/visits").visits()).isEqualTo(before + 1);
        }
    }

    @Test
    void aVisitThatReachesRedisAfterItWasGivenUpIsNotCounted() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port())) {
            service.get("/");
            long calls = calls(admin);
            wire.breakAt("EVALSHA", Wire.Fault.LATE, 1);
            assertThat(service.get("/").status()).isEqualTo(503);
            Eventually.isTrue("Redis got it", () -> calls(admin) > calls);
            assertThat(admin.get("visit_count")).isEqualTo("1");
            assertThat(service.get("/").visits()).isEqualTo(2);
        }
    }

    private static long calls(Jedis admin) {
        return admin.info("commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_evalsha:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("cmdstat_evalsha:calls=(\\d+),.*", "$1")))
                .sum();
    }

    /** The code is there, and a session. */
    private static String warm(TestTally service) {
        var cookie = service.send("PUT", "/api/session", "{\"a\":\"b\"}", "Content-Type", "application/json")
                .header("Set-Cookie")
                .replaceAll(";.*", "");
        for (var route : ROUTES) {
            assertThat(send(service, route, cookie).status()).as(route).isEqualTo(200);
        }
        return cookie;
    }

    private static void ask(TestTally service, String cookie, ExecutorService threads, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            // All at once, so that they share what they share.
            record Asked(String route, Future<Duration> took) {}
            var asked = ROUTES.stream()
                    .map(route -> new Asked(route, threads.submit(() -> time(service, route, cookie))))
                    .toList();
            for (var one : asked) {
                assertThat(one.took().get(20, TimeUnit.SECONDS)).as(one.route()).isLessThan(MOST);
            }
        }
    }

    private static Duration time(TestTally service, String route, String cookie) {
        long start = System.nanoTime();
        var answer = send(service, route, cookie);
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertThat(answer.status()).as("%s: %s", route, answer.body()).isIn(200, 503);
        if (answer.status() == 503) {
            assertThat(answer.header("Retry-After")).as(route).isEqualTo("1");
        }
        return took;
    }

    private static TestTally.Answer send(TestTally service, String route, String cookie) {
        var method = route.substring(0, route.indexOf(' '));
        var path = route.replaceAll(" page$", "").substring(method.length() + 1);
        return service.send(
                method,
                path,
                method.equals("PUT") ? "{\"a\":\"b\"}" : "",
                "Content-Type",
                "application/json",
                "Cookie",
                cookie,
                "User-Agent",
                "Mozilla",
                "Accept",
                route.endsWith("page") ? "text/html" : "application/json");
    }
}
