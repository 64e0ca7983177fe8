package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import tally.dev.LocalRedis;
import tally.load.Load;
import tally.support.Eventually;
import tally.support.TestTally;
import tally.support.Wire;

/** What a connection to Redis that breaks, or a script that it forgot, costs: nothing. */
class BrokenConnectionTest {

    @TempDir
    private Path folder;

    @Test
    void aVisitWhoseAnswerIsLostWithTheConnectionIsCountedOnceAndTold() {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port())) {
            assertThat(service.get("/").visits()).isEqualTo(1);
            wire.breakAt("EVALSHA", Wire.Fault.CUT, 2);
            assertThat(service.get("/").visits()).isEqualTo(2);
            assertThat(service.get("/", "X-Request-Id", "named").visits()).isEqualTo(3);
            assertThat(wire.broken()).isEqualTo(2);
            assertThat(service.get("/api/visits").visits()).isEqualTo(3);
        }
    }

    @Test
    void aReadWhoseConnectionBreaksIsAnswered() {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port())) {
            assertThat(service.get("/").visits()).isEqualTo(1);
            wire.breakAt("\r\nGET\r\n", Wire.Fault.CUT, 1);
            assertThat(service.get("/api/visits").visits()).isEqualTo(1);
            assertThat(wire.broken()).isEqualTo(1);
        }
    }

    @Test
    @Tag("long")
    void connectionsKilledUnderLoadCostNoVisit() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.get("/");
            underLoad(
                    service,
                    () -> admin.clientKill(ClientKillParams.clientKillParams()
                            .type(ClientType.NORMAL)
                            .skipMe(ClientKillParams.SkipMe.YES)),
                    admin);
        }
    }

    @Test
    @Tag("long")
    void scriptsForgottenUnderLoadCostNoVisit() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            service.get("/");
            underLoad(service, admin::scriptFlush, admin);
        }
    }

    /** 600 times under load, a visit counted between any two; the total has to be that of the answers. */
    private static void underLoad(TestTally service, Runnable fault, Jedis admin) {
        var more = new AtomicBoolean(true);
        long before = Long.parseLong(admin.get("visit_count"));
        var load = CompletableFuture.supplyAsync(() -> Load.send(List.of(service.address("/")), 16, more::get));
        for (int i = 0; i < 600; i++) {
            var counted = admin.get("visit_count");
            fault.run();
            Eventually.isTrue(
                    "counting goes on", () -> !admin.get("visit_count").equals(counted));
        }
        more.set(false);
        var result = load.join();
        assertThat(result.failures()).as(service.get("/metrics").body()).isEmpty();
        assertThat(result.numbers()).hasSizeGreaterThan(600);
        assertThat(result.distinct()).isEqualTo(result.numbers().size());
        assertThat(Long.parseLong(admin.get("visit_count")) - before)
                .isEqualTo(result.numbers().size());
    }

    /** Long before the one that holds the connection is given up. */
    @Test
    void aReadThatGetsNoConnectionInTimeIsRefusedWithThatReason() throws Exception {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var service = TestTally.start(
                        "127.0.0.1",
                        wire.port(),
                        "--redis-pool-size",
                        "1",
                        "--redis-pool-wait",
                        "100ms",
                        "--redis-timeout",
                        "20s")) {
            service.get("/");
            wire.breakAt("\r\nGET\r\n", Wire.Fault.SILENCE, 1);
            var first = threads.submit(() -> service.get("/api/visits"));
            Eventually.isTrue("it has the connection", () -> wire.broken() == 1);
            var second = service.get("/api/visits");
            assertThat(second.status()).isEqualTo(503);
            assertThat(second.json().required("detail").asText()).isEqualTo("No connection to Redis was free in time");
            assertThat(service.get("/").visits()).isEqualTo(2);
            assertThat(first).isNotDone();
            wire.cut();
            assertThat(first.get(20, TimeUnit.SECONDS).visits()).isEqualTo(2);
        }
    }

    @Test
    @Tag("long")
    void readsThatPileUpDoNotTakeTheConnectionFromVisits() throws Exception {
        try (var redis = new LocalRedis(folder);
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port(), "--redis-pool-size", "2");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            service.get("/");
            wire.breakAt("\r\nGET\r\n", Wire.Fault.SILENCE, Integer.MAX_VALUE);
            var more = new AtomicBoolean(true);
            var reads = new ArrayList<Future<?>>();
            for (int i = 0; i < 20; i++) {
                reads.add(threads.submit(() -> {
                    while (more.get()) {
                        assertThat(service.get("/api/visits").status()).isEqualTo(503);
                    }
                }));
            }
            try {
                Eventually.isTrue("reads wait for each other", () -> wire.broken() > 2);
                for (int i = 0; i < 100; i++) {
                    assertThat(service.get("/").visits()).isEqualTo(2 + i);
                }
            } finally {
                more.set(false);
            }
            for (var read : reads) {
                read.get(20, TimeUnit.SECONDS);
            }
        }
    }
}
