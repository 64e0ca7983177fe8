package tally;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * Visits from many clients at once, each answer looked at: what a load generator that only counts can't say.
 *
 * <p>Each request says that it comes from an address of its own, as a proxy passes it on: one that is trusted, as
 * scripts/chaos.sh is for a while, is as so many visitors.
 *
 * <p>As a program: {@code Load URL CONNECTIONS REQUESTS}, or with so many seconds as in {@code 10s}, prints a line and
 * exits with 1 if a request failed or two got the same number.
 */
final class Load {

    private static final Pattern VISITS = Pattern.compile("\"visits\":(\\d+)");

    /** {@code numbers} in no order; {@code failures} by what went wrong. */
    record Result(List<Long> numbers, Map<String, AtomicLong> failures, Duration longest) {

        long failed() {
            return failures.values().stream().mapToLong(AtomicLong::get).sum();
        }

        long distinct() {
            return numbers.stream().distinct().count();
        }
    }

    private Load() {}

    static void main(String[] arguments) {
        var address = List.of(URI.create(arguments[0]));
        int connections = Integer.parseInt(arguments[1]);
        var result = arguments[2].endsWith("s") ? send(address, connections, until(arguments[2]))
                : send(address, connections, Integer.parseInt(arguments[2]));
        System.out.printf("%d answers, %d distinct numbers, %d failures %s, longest wait %d ms%n", result.numbers().size(),
                result.distinct(), result.failed(), result.failures(), result.longest().toMillis());
        System.exit(result.failed() == 0 && result.distinct() == result.numbers().size() ? 0 : 1);
    }

    private static BooleanSupplier until(String seconds) {
        long end = System.nanoTime() + Duration.parse("PT" + seconds).toNanos();
        return () -> System.nanoTime() < end;
    }

    /** So many requests in all, spread over the addresses. */
    static Result send(List<URI> addresses, int connections, int requests) {
        var left = new AtomicLong(requests);
        return send(addresses, connections, () -> left.decrementAndGet() >= 0);
    }

    /** Requests for as long as there is one more to send. */
    static Result send(List<URI> addresses, int connections, BooleanSupplier oneMore) {
        var numbers = new ConcurrentLinkedQueue<Long>();
        var failures = new ConcurrentHashMap<String, AtomicLong>();
        var longest = new AtomicLong();
        try (var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < connections; i++) {
                var address = addresses.get(i % addresses.size());
                threads.submit(() -> {
                    while (oneMore.getAsBoolean()) {
                        var request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(20)).header("X-Forwarded-For", visitor()).build();
                        long start = System.nanoTime();
                        try {
                            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
                            var number = VISITS.matcher(answer.body());
                            if (answer.statusCode() == 200 && number.find()) {
                                numbers.add(Long.valueOf(number.group(1)));
                            } else {
                                var kind = "status " + answer.statusCode() + answer.headers().firstValue("Retry-After").map(wait -> "").orElse(" for good");
                                failures.computeIfAbsent(kind, status -> new AtomicLong()).incrementAndGet();
                            }
                        } catch (IOException failure) {
                            failures.computeIfAbsent(failure.toString(), kind -> new AtomicLong()).incrementAndGet();
                        }
                        longest.accumulateAndGet(System.nanoTime() - start, Math::max);
                    }
                    return null;
                });
            }
        }
        return new Result(new ArrayList<>(numbers), failures, Duration.ofNanos(longest.get()));
    }

    private static String visitor() {
        int number = ThreadLocalRandom.current().nextInt(1 << 24);
        return "10." + (number >> 16) + "." + (number >> 8 & 255) + "." + (number & 255);
    }
}
