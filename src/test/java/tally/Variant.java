package tally;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;

/**
 * The service with another way of counting, for scripts/bench.sh to set {@link Visits} against: {@code none} counts in
 * memory and asks no Redis, {@code incr} asks Redis once for each visit, {@code script} does so with the script that keeps
 * all that Tally keeps, and {@code group} is the service as it is.
 */
final class Variant {

    private Variant() {}

    static void main(String[] arguments) {
        var settings = Settings.of(Layers.read(List.of(Arrays.copyOfRange(arguments, 1, arguments.length)), Map.of()).merged());
        var main = new Main(settings, counter(arguments[0], settings));
        main.start();
        Runtime.getRuntime().addShutdownHook(new Thread(main::stop));
    }

    private static ToLongFunction<Visits.Visit> counter(String name, Settings settings) {
        return switch (name) {
            case "none" -> {
                var visits = new AtomicLong();
                yield visit -> visits.incrementAndGet();
            }
            case "incr" -> {
                var redis = Redis.open(settings.redis(), new Metrics());
                yield visit -> redis.incr(Visits.TOTAL);
            }
            case "script" -> {
                var script = new Script(Redis.open(settings.redis(), new Metrics()), "/visits.lua");
                var keys = List.of(Visits.TOTAL, Visits.PAGES, Visits.MINUTE + "0", Visits.VISITORS + "0");
                var arguments = List.of("10000", "", "", "");
                yield visit -> (Long) ((List<?>) script.call(keys, arguments)).getFirst();
            }
            case "group" -> null;
            default -> throw new IllegalArgumentException(name + " is none of: none, incr, script, group");
        };
    }
}
