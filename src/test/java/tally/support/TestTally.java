package tally.support;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.jspecify.annotations.Nullable;
import tally.Main;
import tally.Settings;
import tally.dev.AppUser;
import tally.frame.config.ConfigLayers;

/** The real service on a free port, as its command line would start it, and a client that speaks HTTP to it. */
public final class TestTally implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Main main;
    private @Nullable CompletableFuture<Void> stopped;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private TestTally(Main main) {
        this.main = main;
        main.start();
    }

    /** On the tests' shared Redis. */
    public static TestTally start(String... flags) {
        return start(RealRedis.shared().host(), RealRedis.shared().port(), flags);
    }

    public static TestTally start(String redisHost, int redisPort, String... flags) {
        return at(AppUser.url(redisHost, redisPort), flags);
    }

    public static TestTally at(String redisUrl, String... flags) {
        var arguments = new ArrayList<>(
                List.of("--host", "127.0.0.1", "--port", "0", "--stop-announce", "0s", "--redis-url", redisUrl));
        arguments.addAll(List.of(flags));
        return new TestTally(
                new Main(Settings.of(ConfigLayers.read(arguments, Map.of()).merged())));
    }

    public URI address(String path) {
        return URI.create("http://127.0.0.1:" + main.port() + path);
    }

    /** Each as {@code GET /health}. */
    public List<String> routes() {
        return main.routes();
    }

    public Answer get(String path, String... headers) {
        return send("GET", path, "", headers);
    }

    // counter:begin write
    /** Writes once, as a client does. */
    public Answer write(String... headers) {
        return get("/", headers);
    }
    // counter:end

    /** Of events, which have no end, the answer's body is the first. */
    public Answer send(String method, String path, String body, String... headers) {
        return sendBytes(method, path, body.getBytes(StandardCharsets.UTF_8), headers);
    }

    public Answer sendBytes(String method, String path, byte[] body, String... headers) {
        var request = HttpRequest.newBuilder(address(path))
                .timeout(Duration.ofSeconds(10))
                .method(
                        method,
                        body.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            var response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            try (var text = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                var isEndless = "text/event-stream"
                        .equals(response.headers().firstValue("Content-Type").orElse(""));
                return new Answer(
                        response.statusCode(),
                        response.headers(),
                        isEndless ? firstEvent(text, response.body()) : text.readAllAsString());
            }
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    /** The whole answer to a request line that no client would make. */
    public String raw(String requestLine) {
        try (var socket = new Socket("127.0.0.1", main.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write((requestLine + "\r\nHost: a\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static String firstEvent(BufferedReader text, InputStream body) throws IOException {
        try {
            return CompletableFuture.supplyAsync(() -> firstEvent(text), Thread::startVirtualThread)
                    .orTimeout(20, TimeUnit.SECONDS)
                    .join();
        } catch (CompletionException silent) {
            body.close();
            throw new AssertionError("No event came within 20 s", silent);
        }
    }

    private static String firstEvent(BufferedReader body) {
        var text = new StringBuilder();
        try {
            for (var line = body.readLine(); line != null; line = line.startsWith("data:") ? null : body.readLine()) {
                text.append(line).append('\n');
            }
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
        return text.toString();
    }

    /** On another database, as Redis' default user: the shipped rules know the first alone. */
    public static TestTally onDatabase(int number, String... flags) {
        return at(
                "redis://%s:%d/%d"
                        .formatted(RealRedis.shared().host(), RealRedis.shared().port(), number),
                flags);
    }

    /** It takes no more requests, as in the first moment of the stop; its door is open yet. */
    public void beginToStop() {
        var _ = main.server().getDescendant(GracefulHandler.class).shutdown();
    }

    /** As SIGTERM stops it, beside whoever asks for it. */
    public CompletableFuture<Void> stop() {
        if (stopped == null) {
            stopped = CompletableFuture.runAsync(
                    main::stop, task -> Thread.ofPlatform().name("stop").start(task));
        }
        return stopped;
    }

    @Override
    public void close() {
        client.shutdown();
        stop().join();
        client.close();
    }

    public record Answer(int status, HttpHeaders headers, String body) {

        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** What it sets first, as a browser sends it back. */
        public String cookie() {
            return header("Set-Cookie").split(";", 2)[0];
        }

        public JsonNode json() {
            try {
                return JSON.readTree(body());
            } catch (JsonProcessingException other) {
                throw new AssertionError("Not JSON: " + body(), other);
            }
        }

        /** Whether it is no refusal. */
        public boolean isDone() {
            return status / 100 == 2;
        }

        // counter:begin number
        /** The number that a write got. */
        public long number() {
            return visits();
        }

        public long visits() {
            return json().required("visits").asLong();
        }
        // counter:end
    }
}
