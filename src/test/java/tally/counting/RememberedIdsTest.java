package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import tally.dev.LocalRedis;
import tally.frame.http.RequestId;
import tally.support.Eventually;
import tally.support.TestTally;

/** How long a request id is known, whatever fills Redis and wherever its clock goes. */
class RememberedIdsTest {

    private static final int SLOTS = 3;
    private static final Duration A_WEEK = Duration.ofDays(7);

    private static final Pattern RING = Pattern.compile("local SLOT, SLOTS, \\w+ = (\\d+), (\\d+)");

    @TempDir
    private Path folder;

    @Test
    void anIdIsKnownForAsLongAsNginxMaySendIt() throws IOException {
        var ring = RING.matcher(Files.readString(Path.of("src/main/resources/visits.lua")));
        assertThat(ring.find()).isTrue();
        var known = Duration.ofSeconds(Long.parseLong(ring.group(1))).multipliedBy(Long.parseLong(ring.group(2)) - 1);
        assertThat(known).isGreaterThanOrEqualTo(RequestId.KNOWN);
    }

    @Test
    @Tag("long")
    void aRedisFullOfWhatMayGoForgetsNoId() {
        try (var redis = full("8mb");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            for (int i = 0; i < 1000; i++) {
                assertThat(visit(service, "id-" + i)).isEqualTo(1 + i);
            }
            redis.fill("tally:session:", Duration.ofHours(1));
            redis.fill("tally:cache:", Duration.ofHours(1));
            for (int i = 0; i < 1000; i++) {
                assertThat(visit(service, "id-" + i)).isEqualTo(1 + i);
            }
            assertThat(redis.evicted()).isPositive();
            assertThat(service.get("/api/visits").visits()).isEqualTo(1000);
        }
    }

    @Test
    void aRedisFullOfWhatMayNotGoCountsNothingAndStillKnowsItsIds() {
        try (var redis = full("0");
                var service = TestTally.start("127.0.0.1", redis.port())) {
            assertThat(visit(service, "before")).isEqualTo(1);
            redis.shrink(200_000);
            for (int i = 0; i < 20; i++) {
                assertThat(service.get("/").status()).isEqualTo(503);
            }
            assertThat(visit(service, "before")).isEqualTo(1);
            assertThat(service.get("/api/visits").visits()).isEqualTo(1);
        }
    }

    @Test
    void aRedisFullOfIdsLetsGoOfTheOldestWhenTheirTimeIsOver() {
        try (var redis = full("0");
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            visit(service, "first");
            int next = (slot(admin) + 1) % SLOTS;
            admin.hset("tally:seen:" + next, Map.of("large", "x".repeat(2_000_000)));
            redis.shrink(500_000);
            assertThat(service.get("/").status()).isEqualTo(503);
            var less = admin.configGet("maxmemory").get("maxmemory");
            admin.configSet("maxmemory", "0");
            jump(admin, Duration.ofSeconds(-20));
            admin.configSet("maxmemory", less);
            assertThat(visit(service, "second")).isEqualTo(2);
            Eventually.isTrue("there is room", () -> service.get("/").status() == 200);
            assertThat(visit(service, "first")).isEqualTo(1);
        }
    }

    @Test
    void anIdIsFoundInEachSlot() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            visit(service, "first");
            for (int slot = 0; slot < SLOTS; slot++) {
                admin.hset("tally:seen:" + slot, "in-" + slot, "4" + slot);
            }
            for (int slot = 0; slot < SLOTS; slot++) {
                assertThat(visit(service, "in-" + slot)).isEqualTo(40 + slot);
            }
            assertThat(service.get("/api/visits").visits()).isEqualTo(1);
        }
    }

    /** What the clock of Redis does is told by when the slot began: libraries that shift the clock end redis-server. */
    @Test
    void anIdIsFoundAfterTheClockJumpedOnceOrTwiceByWhateverTime() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            int counted = 0;
            for (var jump : new Duration[] {
                Duration.ofSeconds(-1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(15),
                Duration.ofSeconds(-15),
                Duration.ofHours(1),
                Duration.ofHours(-1),
                A_WEEK,
                A_WEEK.negated()
            }) {
                visit(service, "before" + counted);
                counted++;
                jump(admin, jump);
                visit(service, "between" + counted);
                counted++;
                assertThat(visit(service, "before" + (counted - 2))).isEqualTo(counted - 1);
                jump(admin, jump.negated());
                assertThat(visit(service, "before" + (counted - 2))).isEqualTo(counted - 1);
                assertThat(visit(service, "between" + (counted - 1))).isEqualTo(counted);
            }
            assertThat(service.get("/api/visits").visits()).isEqualTo(counted);
        }
    }

    @Test
    void aSlotLastsTwentySecondsAndThereAreNeverMoreThanThree() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port())) {
            visit(service, "first");
            int slot = slot(admin);
            jump(admin, Duration.ofSeconds(-18));
            visit(service, "still");
            assertThat(slot(admin)).isEqualTo(slot);
            for (int i = 0; i < 10; i++) {
                jump(admin, i % 3 == 0 ? A_WEEK : Duration.ofSeconds(-20));
                visit(service, "jump-" + i);
                assertThat(slot(admin)).isEqualTo((slot + 1 + i) % SLOTS);
                assertThat(admin.keys("tally:seen:*")).hasSizeLessThanOrEqualTo(SLOTS);
            }
            // Three slots later it is forgotten.
            assertThat(visit(service, "first")).isEqualTo(13);
        }
    }

    private LocalRedis full(String memory) {
        return new LocalRedis(folder, "--maxmemory", memory, "--maxmemory-policy", "volatile-ttl", "--save", "");
    }

    private static long visit(TestTally service, String id) {
        var answer = service.get("/", "X-Request-Id", id);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.visits();
    }

    private static int slot(Jedis admin) {
        return Integer.parseInt(admin.hget("tally:seen", "slot"));
    }

    /** As if the clock stood so far from where it is when the slot began. */
    private static void jump(Jedis admin, Duration by) {
        admin.hincrBy("tally:seen", "since", by.toMillis());
    }
}
