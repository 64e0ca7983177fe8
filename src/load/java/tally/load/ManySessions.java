package tally.load;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Strangers who fill Redis with sessions, and a replica that is asked twice:
 * {@code ManySessions URL APP STRANGERS SECONDS IDS}.
 *
 * <p>Each stranger begins full sessions through Nginx for so long, as fast as it is answered. Meanwhile so many visits
 * are sent to the app itself, each with an id of its own, and again five seconds later. Prints what the strangers were
 * answered, and how many ids got a second number.
 */
final class ManySessions {

    private static final Duration AGAIN = Duration.ofSeconds(5);

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, AtomicInteger> answers = new ConcurrentHashMap<>();
    private final AtomicInteger same = new AtomicInteger();
    private final AtomicInteger two = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();

    static void main(String[] arguments) throws InterruptedException {
        var many = new ManySessions();
        var session = URI.create(arguments[0] + "/api/session");
        var page = URI.create("http://" + arguments[1] + ":5000/");
        var body = fullSession();
        long seconds = Long.parseLong(arguments[3]);
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        int ids = Integer.parseInt(arguments[4]);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
                var from = "10.1.0." + i;
                for (int connection = 0; connection < 2; connection++) {
                    // One that is cut off sends no more.
                    var _ = threads.submit(() -> {
                        while (System.nanoTime() < end) {
                            many.begin(session, from, body);
                        }
                        return null;
                    });
                }
            }
            var pause = Duration.ofSeconds(seconds).minus(AGAIN).minusSeconds(1).dividedBy(ids);
            for (int i = 0; i < ids; i++) {
                var id = "twice-" + System.nanoTime() + "-" + i;
                var _ = threads.submit(() -> {
                    many.twice(page, id);
                    return null;
                });
                Thread.sleep(pause);
            }
        }
        System.out.printf(
                "strangers were answered %s; of %d ids asked twice %d with the same number, %d with two numbers, "
                        + "%d failed%n",
                new TreeMap<>(many.answers), ids, many.same.get(), many.two.get(), many.failed.get());
        System.exit(0);
    }

    private void begin(URI session, String from, String body) throws Exception {
        var request = HttpRequest.newBuilder(session)
                .PUT(HttpRequest.BodyPublishers.ofString(body))
                .headers("Content-Type", "application/json", "X-Forwarded-For", from)
                .timeout(Duration.ofSeconds(20))
                .build();
        var status =
                client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        answers.computeIfAbsent(Integer.toString(status), any -> new AtomicInteger())
                .incrementAndGet();
        if (status == 429) {
            Thread.sleep(50);
        }
    }

    private void twice(URI page, String id) throws Exception {
        var first = visit(page, id);
        Thread.sleep(AGAIN);
        var second = visit(page, id);
        (first.isEmpty() || second.isEmpty() ? failed : first.equals(second) ? same : two).incrementAndGet();
    }

    private String visit(URI page, String id) throws Exception {
        var request = HttpRequest.newBuilder(page)
                .header("X-Request-Id", id)
                .timeout(Duration.ofSeconds(20))
                .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() == 200 ? answer.body() : "";
    }

    /** As large as one may be. */
    private static String fullSession() {
        var fields = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            fields.append(i == 0 ? "{" : ",")
                    .append('"')
                    .append(i)
                    .append("\":\"")
                    .append("x".repeat(1023))
                    .append('"');
        }
        return fields.append('}').toString();
    }
}
