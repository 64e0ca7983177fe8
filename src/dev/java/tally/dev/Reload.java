package tally.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs Tally from its sources and keeps up with them, for development: {@code java -cp 'target/lib/*'
 * src/dev/java/tally/dev/Reload.java src [FLAG…]}.
 *
 * <p>After a change the sources are compiled anew, in this process, and the service that comes of it takes the port
 * over from the one before, which then finishes what it has under way and stops. When they don't compile, or what they
 * make does not start, the one before goes on, and log and open pages say why. A style sheet, script or image needs no
 * new service: the pages are told at once.
 *
 * <p>It was chosen before other programs for this (src/docs/decisions.md).
 */
final class Reload {

    /**
     * Looked for rather than waited for: a folder shared with a virtual machine, as Docker Desktop's, brings no events.
     */
    private static final Duration LOOK = Duration.ofMillis(200);
    /** A change is soon followed by another when a file is still being written, or is one of many. */
    private static final Duration SETTLE = Duration.ofMillis(40);

    private static final int LONGEST_SETTLE = 25;

    private final Path sources;
    private final List<String> flags;
    private final Build build;
    private final DevNews news;
    private final Path work = Files.createTempDirectory("tally");
    private Map<Path, FileTime> seen = Map.of();
    private @Nullable Instance current;
    private int made;

    /** The service made of one state of the sources. */
    private record Instance(Path classes, DevNews.Teller teller, AutoCloseable service) {}

    private Reload(Path sources, List<String> flags) throws IOException {
        this.sources = sources;
        this.flags = flags;
        build = new Build(sources);
        news = new DevNews(sources.resolve("dev/resources/reload.js"));
    }

    static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length == 0 || !Files.isDirectory(Path.of(arguments[0], "main/java/tally"))) {
            System.err.println("reload: the first argument must be Tally's folder src");
            System.exit(2);
        }
        var reload = new Reload(
                Path.of(arguments[0]).toRealPath(), List.of(arguments).subList(1, arguments.length));
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(reload::end));
        for (; ; ) {
            reload.look();
            Thread.sleep(LOOK);
        }
    }

    private void look() throws IOException, InterruptedException {
        var files = files();
        if (files.equals(seen)) {
            return;
        }
        var before = seen;
        for (int i = 0; i < LONGEST_SETTLE && !files.equals(before); i++) {
            Thread.sleep(SETTLE);
            before = files;
            files = files();
        }
        take(files);
    }

    private synchronized void take(Map<Path, FileTime> files) throws IOException {
        var isServedAsIs = changed(seen, files).allMatch(Reload::isServedAsIs);
        seen = files;
        var problem = "";
        try {
            if (current != null && isServedAsIs) {
                problem = news.problem();
                build.copyResources(files.keySet(), current.classes);
            } else {
                renew();
            }
        } catch (Build.Failed | IOException failed) {
            problem = failed instanceof IOException ? failed.toString() : String.valueOf(failed.getMessage());
            System.err.println("reload: " + problem + "\nreload: "
                    + (current == null ? "Nothing runs yet" : "What ran before goes on")
                    + "; save a file to have it tried again");
        }
        news.tell(new DevNews.State(mark(".css"), mark(".js", ".svg", ".html"), problem));
    }

    /** The new one answers before the one before it goes. */
    private void renew() throws IOException, Build.Failed {
        long began = System.nanoTime();
        var classes = work.resolve(Integer.toString(made + 1));
        remove(classes);
        build.compile(seen.keySet(), classes);
        build.copyResources(seen.keySet(), classes);
        var teller = news.new Teller();
        var next = new Instance(classes, teller, start(classes, teller));
        made++;
        stop();
        current = next;
        // What stopped just now may have threads on their way out, which look for a class yet.
        remove(work.resolve(Integer.toString(made - 2)));
        System.err.printf("reload: made of the newest sources in %d ms%n", (System.nanoTime() - began) / 1_000_000);
    }

    private AutoCloseable start(Path classes, DevNews.Teller teller) throws IOException, Build.Failed {
        // Beside the libraries, which stay: the loader of this class would have the service's classes of the start.
        var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()}, ClassLoader.getSystemClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        try {
            return (AutoCloseable) loader.loadClass("tally.dev.DevInstance")
                    .getMethod("start", List.class, Supplier.class)
                    .invoke(null, flags, teller);
        } catch (InvocationTargetException thrown) {
            thrown.printStackTrace();
            throw new Build.Failed("It compiles, but does not start: " + thrown.getCause());
        } catch (ReflectiveOperationException | LinkageError other) {
            throw new Build.Failed("It compiles, but can't be started: " + other);
        }
    }

    private synchronized void end() {
        stop();
        try {
            remove(work);
        } catch (IOException left) {
            System.err.println("reload: could not remove " + work + ": " + left);
        }
    }

    private void stop() {
        if (current == null) {
            return;
        }
        current.teller.letGo();
        try {
            current.service.close();
        } catch (Exception failed) {
            System.err.println("reload: What ran before did not stop as it should:");
            failed.printStackTrace();
        }
    }

    /** A number that is another when one of these files is. */
    private int mark(String... endings) {
        return seen.entrySet().stream()
                .filter(file -> Stream.of(endings).anyMatch(file.getKey().toString()::endsWith))
                .mapToInt(Map.Entry::hashCode)
                .sum();
    }

    private static boolean isServedAsIs(Path file) {
        return file.toString().matches(".*/public/[^/]*[.](css|js|svg)");
    }

    private static Stream<Path> changed(Map<Path, FileTime> before, Map<Path, FileTime> now) {
        return Stream.concat(before.keySet().stream(), now.keySet().stream())
                .filter(file -> !Objects.equals(before.get(file), now.get(file)));
    }

    /** Without those that an editor makes for itself. */
    private Map<Path, FileTime> files() throws IOException {
        var files = new HashMap<Path, FileTime>();
        try (var found = Files.walk(sources.resolve("main"))) {
            for (var file : (Iterable<Path>) found::iterator) {
                if (Files.isRegularFile(file) && !file.getFileName().toString().matches("[.#].*|.*~")) {
                    files.put(file, Files.getLastModifiedTime(file));
                }
            }
            return files;
        } catch (NoSuchFileException | UncheckedIOException gone) {
            // While a folder was read a file in it went: as good as not looked.
            return seen;
        }
    }

    private static void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (var files = Files.walk(folder)) {
                for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
