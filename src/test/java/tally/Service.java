package tally;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
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

/** The real service on a free port, as its command line would start it, and a client that speaks HTTP to it. */
final class Service implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Main main;
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private Service(Main main) {
        this.main = main;
        main.start();
    }

    /** On the tests' shared Redis. */
    static Service start(String... flags) {
        return start(RealRedis.shared().host(), RealRedis.shared().port(), flags);
    }

    static Service start(String redisHost, int redisPort, String... flags) {
        return at("redis://" + redisHost + ":" + redisPort, flags);
    }

    static Service at(String redisUrl, String... flags) {
        var arguments = new ArrayList<>(List.of("--host", "127.0.0.1", "--port", "0", "--stop-announce", "0s", "--redis-url", redisUrl));
        arguments.addAll(List.of(flags));
        return new Service(new Main(Settings.of(Layers.read(arguments, Map.of()).merged()), null));
    }

    URI address(String path) {
        return URI.create("http://127.0.0.1:" + main.port() + path);
    }

    /** Each as {@code GET /api/visits/{page}}. */
    List<String> routes() {
        return main.http.unsafe.internalRouter.allHttpHandlers().stream().map(route -> route.endpoint)
                .filter(route -> route.method.isHttpMethod()).map(route -> route.method.name() + " " + route.path).toList();
    }

    Answer get(String path, String... headers) {
        return send("GET", path, "", headers);
    }

    /** Of events, which have no end, the answer's body is the first. */
    Answer send(String method, String path, String body, String... headers) {
        var request = HttpRequest.newBuilder(address(path)).timeout(Duration.ofSeconds(10))
                .method(method, body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            var response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            try (var text = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                var isEndless = "text/event-stream".equals(response.headers().firstValue("Content-Type").orElse(""));
                return new Answer(response.statusCode(), response.headers(), isEndless ? firstEvent(text) : text.readAllAsString());
            }
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static String firstEvent(BufferedReader body) throws IOException {
        var text = new StringBuilder();
        for (var line = body.readLine(); line != null; line = line.startsWith("data:") ? null : body.readLine()) {
            text.append(line).append('\n');
        }
        return text.toString();
    }

    @Override
    public void close() {
        client.close();
        main.stop();
    }

    record Answer(int status, HttpHeaders headers, String body) {

        String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        JsonNode json() {
            try {
                return JSON.readTree(body());
            } catch (JsonProcessingException other) {
                throw new AssertionError("Not JSON: " + body(), other);
            }
        }

        long visits() {
            return json().required("visits").asLong();
        }
    }
}
