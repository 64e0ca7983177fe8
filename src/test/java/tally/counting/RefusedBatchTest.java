package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.exceptions.JedisDataException;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisClients;
import tally.support.Eventually;
import tally.support.RealRedis;

/** A batch that Redis refuses, because of one visit in it. */
class RefusedBatchTest {

    private static final int VISITORS = 1000;

    private final RealRedis redis = RealRedis.shared();

    @Test
    void refusesThoseWhoWaitedAndNobodyWhoComesAfter() throws Exception {
        redis.empty();
        var settings = redis.settings();
        var metrics = new Metrics();
        try (var client = RedisClients.openSingle(settings.redis(), metrics);
                var visits = new Visits(
                        client,
                        client,
                        new Keys(client),
                        settings.service().visits(),
                        settings.service().counting(),
                        settings.redis(),
                        page -> {},
                        metrics);
                var behind = redis.connect();
                var visitors = Executors.newVirtualThreadPerTaskExecutor()) {
            behind.zadd("tally:pages", -1.5, "bad");
            var again = new ArrayList<Future<Long>>();
            for (int i = 0; i < VISITORS; i++) {
                again.add(visitors.submit(() -> {
                    try {
                        return -visits.count(new Visit("", "bad", Caller.NOBODY))
                                .visits();
                    } catch (JedisDataException refused) {
                        return visits.count(new Visit("", "good", Caller.NOBODY))
                                .visits();
                    }
                }));
            }
            Eventually.isTrue("all wait", () -> metrics.text().contains("tally_waiting " + (double) VISITORS));
            visits.start();
            for (var visitor : again) {
                assertThat(visitor.get(10, TimeUnit.SECONDS)).isPositive();
            }
        }
    }
}
