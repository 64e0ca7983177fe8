package tally.load;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Visits from many clients at once, each answer looked at: what a load generator that only counts can't say.
 *
 * <p>Each request says that it comes from an address of its own, as a proxy passes it on: one that is trusted, as
 * scripts/chaos.sh is for a while, is as so many visitors.
 *
 * <p>As a program: {@code Load URL CONNECTIONS REQUESTS}, or with so many seconds as in {@code 10s}, prints a line and
 * exits with 1 if a request failed or two got the same number.
 */
public final class Load {

    private static final Pattern VISITS = Pattern.compile("\"visits\":(\\d+)");

    /** {@code numbers} in no order; {@code failures} by what went wrong. */
    public record Result(List<Long> numbers, Map<String, AtomicLong> failures, Duration longest) {

        public long failed() {
            return failures.values().stream().mapToLong(AtomicLong::get).sum();
        }

        public long distinct() {
            return numbers.stream().distinct().count();
        }
    }

    private Load() {}

    static void main(String[] arguments) {
        var address = List.of(URI.create(arguments[0]));
        int connections = Integer.parseInt(arguments[1]);
        var result = arguments[2].endsWith("s")
                ? send(address, connections, until(arguments[2]))
                : send(address, connections, Integer.parseInt(arguments[2]));
        System.out.printf(
                "%d answers, %d distinct numbers, %d failures %s, longest wait %d ms%n",
                result.numbers().size(),
                result.distinct(),
                result.failed(),
                result.failures(),
                result.longest().toMillis());
        System.exit(
                result.failed() == 0 && result.distinct() == result.numbers().size() ? 0 : 1);
    }

    private static BooleanSupplier until(String seconds) {
        long end = System.nanoTime() + Duration.parse("PT" + seconds).toNanos();
        return () -> System.nanoTime() < end;
    }

    /** So many requests in all, spread over the addresses. */
    public static Result send(List<URI> addresses, int connections, int requests) {
        var left = new AtomicLong(requests);
        return send(addresses, connections, () -> left.decrementAndGet() >= 0);
    }

    /** Requests for as long as there is one more to send. */
    public static Result send(List<URI> addresses, int connections, BooleanSupplier oneMore) {
        var numbers = new ConcurrentLinkedQueue<Long>();
        var failures = new ConcurrentHashMap<String, AtomicLong>();
        var longest = new AtomicLong();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < connections; i++) {
                var address = addresses.get(i % addresses.size());
                threads.execute(() -> {
                    try (var client = new Client(address)) {
                        while (oneMore.getAsBoolean()) {
                            long start = System.nanoTime();
                            try {
                                var answer = client.ask();
                                var number = VISITS.matcher(answer.body);
                                if (answer.status == 200 && number.find()) {
                                    numbers.add(Long.valueOf(number.group(1)));
                                } else {
                                    var kind = "status " + answer.status
                                            + (answer.headers.containsKey("retry-after") ? "" : " for good");
                                    failures.computeIfAbsent(kind, status -> new AtomicLong())
                                            .incrementAndGet();
                                }
                            } catch (IOException failure) {
                                failures.computeIfAbsent(failure.toString(), kind -> new AtomicLong())
                                        .incrementAndGet();
                            }
                            longest.accumulateAndGet(System.nanoTime() - start, Math::max);
                        }
                    } catch (RuntimeException mistake) {
                        // A mistake of the load, such as an address without a port, is a failure, too.
                        failures.computeIfAbsent(mistake.toString(), kind -> new AtomicLong())
                                .incrementAndGet();
                    }
                });
            }
        }
        return new Result(new ArrayList<>(numbers), failures, Duration.ofNanos(longest.get()));
    }

    private static String visitor() {
        int number = ThreadLocalRandom.current().nextInt(1 << 24);
        return "10." + (number >> 16) + "." + (number >> 8 & 255) + "." + (number & 255);
    }

    private record Answer(int status, Map<String, String> headers, String body) {}

    /**
     * One connection, which is kept for as long as the server keeps it. A request that finds it closed, without a byte
     * of an answer, is sent again on a new one, as a browser does; no other ever is. (Java's own client does so for
     * more, and without a word: what was counted twice could not be told from what was sent twice.)
     */
    private static final class Client implements AutoCloseable {
        private final URI address;
        private @Nullable Connection kept;

        private record Connection(Socket socket, InputStream in) {}

        Client(URI address) {
            this.address = address;
        }

        Answer ask() throws IOException {
            var known = kept;
            try {
                var connection = known == null ? open() : known;
                kept = connection;
                var request = "GET %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\n\r\n"
                        .formatted(address.getPath(), address.getAuthority(), visitor());
                int first;
                try {
                    connection.socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
                    first = connection.in.read();
                } catch (SocketException reset) {
                    first = -1;
                }
                if (first < 0) {
                    close();
                    if (known != null) {
                        return ask();
                    }
                    throw new IOException("no answer");
                }
                return answer(first, connection.in);
            } catch (IOException broken) {
                close();
                throw broken;
            }
        }

        private Connection open() throws IOException {
            var socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(20_000);
            socket.connect(new InetSocketAddress(address.getHost(), address.getPort()), 5000);
            return new Connection(socket, new BufferedInputStream(socket.getInputStream()));
        }

        private Answer answer(int first, InputStream in) throws IOException {
            int status = Integer.parseInt(((char) first + line(in)).split(" ", 3)[1]);
            var headers = new HashMap<String, String>();
            for (var line = line(in); !line.isEmpty(); line = line(in)) {
                int colon = line.indexOf(':');
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
            var length = headers.get("content-length");
            var body = new String(
                    length == null ? in.readAllBytes() : in.readNBytes(Integer.parseInt(length)),
                    StandardCharsets.UTF_8);
            if (length == null || "close".equals(headers.get("connection"))) {
                close();
            }
            return new Answer(status, headers, body);
        }

        private static String line(InputStream in) throws IOException {
            var line = new StringBuilder();
            for (int next = in.read(); next != '\n'; next = in.read()) {
                if (next < 0) {
                    throw new IOException("half an answer");
                }
                line.append((char) next);
            }
            return line.toString().strip();
        }

        @Override
        public void close() {
            var ended = kept;
            kept = null;
            try {
                if (ended != null) {
                    ended.socket.close();
                }
            } catch (IOException gone) {
                // It was to go.
            }
        }
    }
}
