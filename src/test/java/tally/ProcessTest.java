package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service as a process: its exit status, what it prints, and how it stops. */
class ProcessTest {

    @TempDir
    private Path folder;

    @Test
    void aMistakeIsOneLineAndExitStatus2() throws Exception {
        var process = run("--redis-prot", "1");
        assertThat(process.waitFor()).isEqualTo(2);
        assertThat(errors(process)).isEqualTo("tally: --redis-prot: unknown flag (from command line); --help lists them\n");
    }

    @Test
    void aTakenPortIsOneLineAndExitStatus2() throws Exception {
        try (var redis = new LocalRedis(folder)) {
            var process = run("--host", "127.0.0.1", "--port", Integer.toString(redis.port()));
            assertThat(process.waitFor()).isEqualTo(2);
            assertThat(errors(process).lines()).last().asString().startsWith("tally: port: can't listen on 127.0.0.1:" + redis.port());
        }
    }

    @Test
    void sigtermAnswersTheRequestUnderWayAndAnnouncesItFirst() throws Exception {
        int port = LocalRedis.freePort();
        try (var redis = new LocalRedis(folder); var client = HttpClient.newHttpClient()) {
            var process = run("--host", "127.0.0.1", "--port", Integer.toString(port), "--redis-port", Integer.toString(redis.port()),
                    "--stop-announce", "500ms", "--redis-timeout", "10s");
            Eventually.isTrue("answers", () -> status(client, port, "/") == 200);
            redis.pause();
            var underWay = client.sendAsync(request(port, "/"), HttpResponse.BodyHandlers.ofString());
            // The request is under way once it reached Redis, which is paused: there is no sign of it outside.
            Thread.sleep(300);
            Signals.send("TERM", process.pid());
            Eventually.isTrue("says that it stops", () -> status(client, port, "/health/live") == 200 && stopping(client, port));
            // By now the announcement is over: the server itself waits for the request.
            Thread.sleep(1000);
            assertThat(underWay).isNotDone();
            redis.resume();
            assertThat(underWay.get(10, TimeUnit.SECONDS).body()).contains("\"visits\":2");
            assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(143);
        }
    }

    private Process run(String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), "tally.Main"));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectError(folder.resolve("errors").toFile());
        builder.environment().keySet().removeIf(name -> name.matches("PORT|HOST|DEBUG|MESSAGE|REDIS_.*|TALLY_.*"));
        return builder.start();
    }

    private String errors(Process ended) throws IOException {
        return Files.readString(folder.resolve("errors"), StandardCharsets.UTF_8);
    }

    private static HttpRequest request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
    }

    /** The announcement asks whoever keeps a connection to leave it. */
    private static boolean stopping(HttpClient client, int port) {
        try {
            return client.send(request(port, "/health/live"), HttpResponse.BodyHandlers.discarding()).headers().firstValue("Connection").isPresent();
        } catch (IOException gone) {
            return false;
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static int status(HttpClient client, int port, String path) {
        try {
            return client.send(request(port, path), HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (IOException notYet) {
            return 0;
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }
}
