package tally.support;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import tally.dev.LocalRedis;

/**
 * What a page meets of Nginx: the headers that nginx.conf adds to every answer, a 502 without an app, and that it can
 * be gone.
 *
 * <p>The app may be under a path of the site, {@code /tally}; what is not under it is a 404.
 */
public final class FakeNginx implements AutoCloseable {

    private static final Pattern HEADER = Pattern.compile("(?m)^  add_header (\\S+) \"(.*)\" always;");
    private static final Set<String> OF_ONE_HOP =
            Set.of("connection", "content-length", "date", "host", "transfer-encoding", "upgrade");

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, String> added = new TreeMap<>();
    private final InetSocketAddress address = new InetSocketAddress("127.0.0.1", LocalRedis.freePort());
    private final String base;
    private volatile URI app;
    private HttpServer server;

    public FakeNginx(TestTally app) throws IOException {
        this(app.address("/"), "");
    }

    public FakeNginx(URI app, String base) throws IOException {
        this.app = app;
        this.base = base;
        HEADER.matcher(Files.readString(Path.of("nginx.conf")))
                .results()
                .forEach(line -> added.put(line.group(1), line.group(2)));
        start();
    }

    /** Of the page, which a slash follows. */
    public String site() {
        return "http://127.0.0.1:" + address.getPort() + base;
    }

    public void leadTo(TestTally other) {
        app = other.address("/");
    }

    public void start() throws IOException {
        server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext(base + "/", this::pass);
        server.start();
    }

    /** Cuts all connections and refuses new ones. */
    public void stop() {
        server.stop(0);
    }

    @Override
    public void close() {
        stop();
        client.shutdownNow();
    }

    private void pass(HttpExchange exchange) throws IOException {
        var request = HttpRequest.newBuilder(
                        app.resolve(exchange.getRequestURI().toString().substring(base.length())))
                .method(
                        exchange.getRequestMethod(),
                        HttpRequest.BodyPublishers.ofByteArray(
                                exchange.getRequestBody().readAllBytes()));
        passed(exchange.getRequestHeaders())
                .forEach((name, values) -> values.forEach(value -> request.header(name, value)));
        added.forEach(exchange.getResponseHeaders()::set);
        try (exchange;
                var in = send(request.build(), exchange)) {
            var part = new byte[8192];
            for (int length = in.read(part); length > 0; length = in.read(part)) {
                exchange.getResponseBody().write(part, 0, length);
                exchange.getResponseBody().flush();
            }
        }
    }

    /** The head of the answer goes out; what is left is its body. */
    private InputStream send(HttpRequest request, HttpExchange exchange) throws IOException {
        try {
            var answer = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            exchange.getResponseHeaders().putAll(passed(answer.headers().map()));
            boolean empty = answer.statusCode() == 204 || answer.statusCode() == 304;
            exchange.sendResponseHeaders(answer.statusCode(), empty ? -1 : 0);
            return answer.body();
        } catch (ConnectException noApp) {
            exchange.sendResponseHeaders(502, -1);
            return InputStream.nullInputStream();
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static Map<String, List<String>> passed(Map<String, List<String>> headers) {
        var passed = new TreeMap<>(headers);
        passed.keySet().removeIf(name -> OF_ONE_HOP.contains(name.toLowerCase(Locale.ROOT)));
        return passed;
    }
}
