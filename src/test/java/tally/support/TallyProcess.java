package tally.support;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tally.Main;
import tally.dev.AppUser;
import tally.dev.LocalRedis;
import tally.dev.Signals;

/** The service as a process of its own and as it is shipped: none of the tests' classes and resources are with it. */
public final class TallyProcess implements AutoCloseable {

    private final Process process;
    private final Path errors;
    private final int port;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private TallyProcess(Process process, Path errors, int port) {
        this.process = process;
        this.errors = errors;
        this.port = port;
    }

    /** With these arguments alone; what it writes to standard error is kept in the folder. */
    public static TallyProcess run(Path folder, String... arguments) {
        return run(folder, 0, List.of(arguments));
    }

    /** On a free port, with a Redis on that one. */
    public static TallyProcess serve(Path folder, int redisPort, String... flags) {
        int port = LocalRedis.freePort();
        var arguments = new ArrayList<>(List.of(
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--redis-url",
                AppUser.url("127.0.0.1", redisPort)));
        arguments.addAll(List.of(flags));
        var tally = run(folder, port, arguments);
        Eventually.isTrue("answers", () -> tally.status("/health/live") == 200);
        return tally;
    }

    private static TallyProcess run(Path folder, int port, List<String> arguments) {
        try {
            var shipped = Stream.concat(
                    Stream.of(Path.of(Main.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI())
                            .toString()),
                    Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                            .filter(entry -> entry.endsWith(".jar")));
            var command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    shipped.collect(Collectors.joining(File.pathSeparator)),
                    "tally.Main"));
            command.addAll(arguments);
            var errors = folder.resolve("errors");
            var builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment().keySet().removeIf(name -> name.matches("PORT|HOST|DEBUG|MESSAGE|REDIS_.*|TALLY_.*"));
            return new TallyProcess(builder.start(), errors, port);
        } catch (IOException unstartable) {
            throw new UncheckedIOException(unstartable);
        } catch (URISyntaxException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    public int exitStatus() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("The process did not end; it wrote: " + errors());
        }
        return process.exitValue();
    }

    public String output() throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    public String errors() {
        try {
            return Files.readString(errors);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    public int port() {
        return port;
    }

    public void signal(String name) {
        Signals.send(name, process.pid());
    }

    /** 0 while it does not answer. */
    public int status(String path) {
        try {
            return client.send(request(path), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException notYet) {
            return 0;
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    public CompletableFuture<HttpResponse<String>> ask(String path) {
        return client.sendAsync(request(path), HttpResponse.BodyHandlers.ofString());
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        client.shutdownNow();
    }
}
