package tally.load;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import tally.Main;
import tally.Service;
import tally.Settings;
import tally.counting.Caller;
import tally.counting.Counting;
import tally.counting.Keys;
import tally.counting.Numbers;
import tally.counting.Visit;
import tally.counting.Visits;
import tally.counting.VisitsScript;
import tally.frame.config.ConfigLayers;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisClients;

/**
 * The service with another way of counting, for scripts/bench.sh to set {@link Visits} against: {@code none} counts in
 * memory and asks no Redis, {@code incr} asks Redis once for each visit, {@code script} does so with the script that
 * keeps all that Tally keeps, and {@code group} is the service as it is.
 */
final class Variant {

    private Variant() {}

    static void main(String[] arguments) {
        var settings =
                Settings.of(ConfigLayers.read(List.of(Arrays.copyOfRange(arguments, 1, arguments.length)), Map.of())
                        .merged());
        var main =
                new Main(settings, (own, redis, metrics) -> new Service(own, redis, metrics, way(arguments[0], own)));
        main.start();
        Runtime.getRuntime().addShutdownHook(new Thread(main::stop));
    }

    private static Numbers of(long visits) {
        return new Numbers(visits, 0, visits);
    }

    private static UnaryOperator<Counting> way(String name, Settings settings) {
        return switch (name) {
            case "none" -> {
                var visits = new AtomicLong();
                yield tally -> visit -> of(visits.incrementAndGet());
            }
            case "incr" -> {
                var redis = RedisClients.open(settings.redis(), new Metrics());
                yield tally -> visit -> of(redis.incr("visit_count"));
            }
            case "script" -> {
                var redis = RedisClients.open(settings.redis(), new Metrics());
                var script = new VisitsScript(
                        redis,
                        new Keys(redis),
                        settings.service().visits(),
                        settings.service().counting(),
                        settings.redis().timeout());
                yield tally -> visit -> script.count(List.of(new Visit("", "", Caller.NOBODY)), false)
                        .getFirst();
            }
            case "group" -> tally -> tally;
            default -> throw new IllegalArgumentException(name + " is none of: none, incr, script, group");
        };
    }
}
