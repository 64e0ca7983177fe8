package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.logging.LogType;
import tally.dev.AppUser;
import tally.dev.LocalRedis;
import tally.support.Browser;
import tally.support.Eventually;
import tally.support.FakeNginx;
import tally.support.RealRedis;

/**
 * Live reload as scripts/run.sh --dev starts it, on a copy of the sources: what is saved there, and what is seen then.
 */
class ReloadIT {

    private static final String HELLO = "Welcome to Tally";

    @TempDir
    private static Path folder;

    private static Path sources;
    private static Process process;
    private static int port;
    private static HttpClient client;

    @BeforeAll
    static void start() throws IOException {
        sources = folder.resolve("src");
        copy(Path.of("src/main"), sources.resolve("main"));
        copy(Path.of("src/dev"), sources.resolve("dev"));
        port = LocalRedis.freePort();
        client = HttpClient.newHttpClient();
        // The libraries alone, as in target/lib: the service's own classes are made by Reload.
        var libraries = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar"))
                .collect(Collectors.joining(File.pathSeparator));
        var command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                libraries,
                sources.resolve("dev/java/tally/dev/Reload.java").toString(),
                sources.toString(),
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--stop-announce",
                "0s",
                "--redis-url",
                AppUser.url(RealRedis.shared().host(), RealRedis.shared().port()));
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        Eventually.isTrue("answers", () -> message().equals(HELLO));
    }

    @AfterAll
    static void stop() throws Exception {
        process.destroy();
        assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
        client.close();
    }

    @AfterEach
    void putBack() throws IOException {
        long before = made();
        copy(Path.of("src/main"), sources.resolve("main"));
        // Also after a change that alone would need no new service, so that there is something to wait for.
        Files.setLastModifiedTime(sources.resolve("main/java/tally/Main.java"), FileTime.from(Instant.now()));
        Eventually.isTrue(
                "as before", () -> made() > before && message().equals(HELLO) && told().contains("\"problem\":\"\""));
    }

    @Test
    void savedCodeAnswers() throws IOException {
        changeMessageTo("\"Changed\"");
        Eventually.isTrue("the new message", () -> message().equals("Changed"));
    }

    @Test
    void aSavedResourceIsTakenToo() throws IOException {
        change("main/resources/reference.conf", text -> text.replace(HELLO, "Changed"));
        Eventually.isTrue("the new message", () -> message().equals("Changed"));
    }

    @Test
    void aCompileErrorIsToldAndTheOldCodeAnswersOn() throws IOException {
        changeMessageTo("nothing");
        Eventually.isTrue("told", () -> told().contains("\"problem\":\"src/main/java/tally/web/Routes.java:"));
        assertThat(told()).contains("cannot find symbol");
        assertThat(log()).contains("reload: src/main/java/tally/web/Routes.java:");
        assertThat(message()).isEqualTo(HELLO);
    }

    @Test
    void whatDoesNotStartIsToldAndTheOldCodeAnswersOn() throws IOException {
        change("main/resources/reference.conf", text -> text.replace("pool-size = 16", "pool-size = many"));
        Eventually.isTrue("told", () -> told().contains("redis.pool-size: 'many' is not a whole number"));
        assertThat(message()).isEqualTo(HELLO);
    }

    @Test
    void aSavedStyleSheetIsToldAndServedByTheSameService() throws IOException {
        var before = told();
        long made = made();
        change("main/resources/public/tally.css", text -> text + ".changed {}");
        Eventually.isTrue("told", () -> !told().equals(before));
        assertThat(get("/static/tally.css")).endsWith(".changed {}");
        assertThat(made()).isEqualTo(made);
    }

    @Test
    void anOpenPageShowsErrorAndStyleAndIsNotLoadedAnew() throws IOException {
        var browser = Browser.start();
        try (var edge = new FakeNginx(URI.create("http://127.0.0.1:" + port), "")) {
            browser.get(edge.site());
            browser.executeScript("window.neverReloaded = true");
            changeMessageTo("nothing");
            Eventually.isTrue(
                    "the error",
                    () -> browser.findElements(By.id("reload-problem")).stream()
                            .anyMatch(shown -> shown.isDisplayed()
                                    && shown.getText().contains("Routes.java")
                                    && shown.getCssValue("position").equals("fixed")));
            changeMessageTo("\"Changed\"");
            Eventually.isTrue(
                    "no error",
                    () -> browser.findElements(By.id("reload-problem")).isEmpty());
            change("main/resources/public/tally.css", text -> text + "footer { color: rgb(1, 2, 3) }");
            Eventually.isTrue(
                    "the style",
                    () -> browser.findElement(By.tagName("footer"))
                            .getCssValue("color")
                            .contains("1, 2, 3"));
            // The service is another by now, and the page has found it.
            Eventually.isTrue(
                    "live",
                    () -> "live".equals(browser.findElement(By.id("live")).getDomAttribute("data-state")));
            assertThat(browser.executeScript("return window.neverReloaded")).isEqualTo(true);
            assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                    .noneMatch(line -> line.getMessage().contains("Security Policy"));
            change("main/resources/public/tally.js", text -> text + "document.title = 'Changed';");
            Eventually.isTrue("the script", () -> browser.getTitle().equals("Changed"));
        } finally {
            browser.quit();
        }
    }

    private static void changeMessageTo(String expression) throws IOException {
        copy(Path.of("src/main/java"), sources.resolve("main/java"));
        change(
                "main/java/tally/web/Routes.java",
                text -> text.replace("new Counted(message,", "new Counted(" + expression + ","));
    }

    private static void change(String file, UnaryOperator<String> by) throws IOException {
        var text = Files.readString(sources.resolve(file));
        assertThat(by.apply(text)).isNotEqualTo(text);
        Files.writeString(sources.resolve(file), by.apply(text));
    }

    /** Writes what differs, and no more. */
    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var copy = to.resolve(from.relativize(file).toString());
                if (!Files.exists(copy) || Files.mismatch(file, copy) >= 0) {
                    Files.createDirectories(copy.getParent());
                    Files.write(copy, Files.readAllBytes(file));
                }
            }
        }
    }

    /** Empty while there is no service. */
    private static String message() {
        return get("/").replaceAll(".*\"message\":\"([^\"]*)\".*", "$1");
    }

    /** How often there was a new service. */
    private static long made() {
        return log().lines().filter(line -> line.startsWith("reload: made of")).count();
    }

    private static String log() {
        try {
            return Files.readString(folder.resolve("log"));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** The state that a page is told when it comes; once more, where a service went while it was asked. */
    private static String told() {
        for (int i = 0; i < 50; i++) {
            try (var lines = client.send(request("/dev/events"), HttpResponse.BodyHandlers.ofLines())
                    .body()) {
                var told = lines.filter(line -> line.startsWith("data: ")).findFirst();
                if (told.isPresent()) {
                    return told.get();
                }
            } catch (IOException | UncheckedIOException gone) {
                Eventually.pause(20);
            } catch (InterruptedException hurry) {
                throw new IllegalStateException(hurry);
            }
        }
        throw new AssertionError("Nothing is told at /dev/events");
    }

    private static String get(String path) {
        try {
            return client.send(request(path), HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (IOException gone) {
            return "";
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static HttpRequest request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(3))
                .build();
    }
}
