package tally.support;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/**
 * GitHub's proxy for the images of a README: asks in its own name, passes on nothing but images, and keeps each for as
 * long as its Cache-Control allows, or for good where that says nothing.
 */
public final class FakeCamo implements AutoCloseable {

    private static final Pattern NOT_KEPT = Pattern.compile("no-store|no-cache|private|max-age=0");
    private static final Pattern KEPT_FOR = Pattern.compile("max-age=(\\d+)");
    private static final List<String> PASSED =
            List.of("Content-Type", "Cache-Control", "ETag", "Expires", "Last-Modified");

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, Kept> images = new ConcurrentHashMap<>();
    private final HttpServer server;

    private record Kept(HttpResponse<byte[]> answer, long until) {}

    public FakeCamo() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::pass);
        server.start();
    }

    /** Where the image of that address is, as GitHub writes it into the page. */
    public String address(String image) {
        return "http://camo.test:" + server.getAddress().getPort() + "/"
                + HexFormat.of().formatHex(image.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        server.stop(0);
        client.shutdownNow();
    }

    private void pass(HttpExchange exchange) throws IOException {
        try (exchange) {
            var hex = exchange.getRequestURI().getPath().substring(1);
            var kept = images.get(hex);
            var answer = kept != null && System.nanoTime() - kept.until < 0 ? kept.answer : fetch(hex);
            var isImage = answer.headers().firstValue("Content-Type").orElse("").startsWith("image/");
            PASSED.forEach(name -> answer.headers()
                    .firstValue(name)
                    .ifPresent(value -> exchange.getResponseHeaders().set(name, value)));
            exchange.sendResponseHeaders(isImage ? answer.statusCode() : 404, isImage ? answer.body().length : -1);
            if (isImage) {
                exchange.getResponseBody().write(answer.body());
            }
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private HttpResponse<byte[]> fetch(String hex) throws IOException, InterruptedException {
        var image = new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8)
                .replaceFirst("//[a-z.]+\\.test:", "//127.0.0.1:");
        var request = HttpRequest.newBuilder(URI.create(image))
                .header("User-Agent", "github-camo (876de43e)")
                .header("Accept", "image/*")
                .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        var control = answer.headers().firstValue("Cache-Control").orElse("");
        var seconds = KEPT_FOR.matcher(control);
        if (!NOT_KEPT.matcher(control).find()) {
            images.put(
                    hex,
                    new Kept(
                            answer,
                            System.nanoTime()
                                    + 1_000_000_000L * (seconds.find() ? Long.parseLong(seconds.group(1)) : 86_400)));
        }
        return answer;
    }
}
