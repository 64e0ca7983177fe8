package tally;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/**
 * Runs Tally from its sources and keeps up with them, for development: {@code java -cp 'target/lib/*'
 * src/test/java/tally/Reload.java src [FLAG…]}.
 *
 * <p>After a change the sources are compiled anew, in this process, and the service that comes of it takes the port over
 * from the one before, which then finishes what it has under way and stops. When they don't compile, or what they make
 * does not start, the one before goes on, and log and open pages say why. A style sheet, script or image needs no new
 * service: the pages are told at once.
 *
 * <p>Looked at before: jooby-run, which compiles and restarts any main class, but can stop only Jooby's own servers and
 * shows errors in its console alone; fizzed-watcher, which runs Maven goals after a change and no service; HotswapAgent,
 * which needs a JVM of its own kind; what Quarkus, Micronaut and Spring have is for their applications.
 */
final class Reload {

    /** Looked for rather than waited for: a folder shared with a virtual machine, as Docker Desktop's, brings no events. */
    private static final Duration LOOK = Duration.ofMillis(200);
    /** A change is soon followed by another when a file is still being written, or is one of many. */
    private static final Duration SETTLE = Duration.ofMillis(40);
    private static final int LONGEST_SETTLE = 25;

    private static final String SCRIPT = "<script type=\"module\" src=\"/dev/reload.js\"></script>\n";

    private final Path sources;
    private final List<String> flags;
    private final News news;
    private final Path work = Files.createTempDirectory("tally");
    private Map<Path, FileTime> seen = Map.of();
    private Instance current;
    private int made;

    /** The service made of one state of the sources. */
    private record Instance(Path classes, News.Teller teller, AutoCloseable service) {}

    /** Why there is no service of the newest state; the message is for the developer. */
    private static final class Problem extends Exception {
        private static final long serialVersionUID = 1;

        Problem(String message) {
            super(message);
        }
    }

    private Reload(Path sources, List<String> flags) throws IOException {
        this.sources = sources;
        this.flags = flags;
        news = new News(sources.resolve("test/resources/reload.js"));
    }

    static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length == 0 || !Files.isDirectory(Path.of(arguments[0], "main/java/tally"))) {
            System.err.println("reload: the first argument must be Tally's folder src");
            System.exit(2);
        }
        var reload = new Reload(Path.of(arguments[0]).toRealPath(), List.of(arguments).subList(1, arguments.length));
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(reload::end));
        for (;;) {
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
        var isServedAsIs = current != null && changed(seen, files).allMatch(Reload::isServedAsIs);
        seen = files;
        var problem = isServedAsIs ? news.problem() : "";
        try {
            if (isServedAsIs) {
                copyResources(current.classes);
            } else {
                renew();
            }
        } catch (Problem found) {
            problem = found.getMessage();
            System.err.println("reload: " + problem + "\nreload: " + (current == null ? "Nothing runs yet" : "What ran before goes on")
                    + "; save a file to have it tried again");
        }
        news.tell(new News.State(mark(".css"), mark(".js", ".svg", ".html"), problem));
    }

    /** The new one answers before the one before it goes. */
    private void renew() throws IOException, Problem {
        long began = System.nanoTime();
        var classes = work.resolve(Integer.toString(made + 1));
        remove(classes);
        compile(classes);
        copyResources(classes);
        var teller = news.new Teller();
        var next = new Instance(classes, teller, start(classes, teller));
        made++;
        stop();
        current = next;
        // What stopped just now may have threads on their way out, which look for a class yet.
        remove(work.resolve(Integer.toString(made - 2)));
        System.err.printf("reload: made of the newest sources in %d ms%n", (System.nanoTime() - began) / 1_000_000);
    }

    private void compile(Path classes) throws IOException, Problem {
        var found = new DiagnosticCollector<JavaFileObject>();
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(found, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            var files = seen.keySet().stream().filter(file -> file.toString().endsWith(".java")).collect(Collectors.toCollection(ArrayList::new));
            files.add(sources.resolve("test/java/tally/Running.java"));
            var options = List.of("-d", Files.createDirectories(classes).toString(), "-proc:none");
            if (!compiler.getTask(null, manager, found, options, null, manager.getJavaFileObjectsFromPaths(files)).call()) {
                throw new Problem(found.getDiagnostics().stream().filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
                        .map(this::line).collect(Collectors.joining("\n")));
            }
        }
    }

    private String line(Diagnostic<? extends JavaFileObject> error) {
        var place = error.getSource() == null ? "" : "%s:%d: ".formatted(shown(Path.of(error.getSource().toUri())), error.getLineNumber());
        return place + error.getMessage(Locale.ENGLISH);
    }

    private Path shown(Path file) {
        return sources.getParent().relativize(file);
    }

    private void copyResources(Path classes) throws IOException {
        var resources = sources.resolve("main/resources");
        for (var file : seen.keySet()) {
            if (file.startsWith(resources)) {
                var copy = classes.resolve(resources.relativize(file).toString());
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
                if (file.endsWith("public/index.html")) {
                    Files.writeString(copy, Files.readString(file).replace("</head>", SCRIPT + "</head>"));
                }
            }
        }
    }

    private AutoCloseable start(Path classes, News.Teller teller) throws IOException, Problem {
        // Beside the libraries, which stay: the loader of this class would have the service's classes of the start.
        var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()}, ClassLoader.getSystemClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        try {
            return (AutoCloseable) loader.loadClass("tally.Running").getMethod("start", List.class, Supplier.class)
                    .invoke(null, flags, teller);
        } catch (InvocationTargetException thrown) {
            thrown.getCause().printStackTrace();
            throw new Problem("It compiles, but does not start: " + thrown.getCause());
        } catch (ReflectiveOperationException | LinkageError other) {
            throw new Problem("It compiles, but can't be started: " + other);
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
            failed.printStackTrace();
        }
    }

    /** A number that is another when one of these files is. */
    private int mark(String... endings) {
        return seen.entrySet().stream().filter(file -> Stream.of(endings).anyMatch(file.getKey().toString()::endsWith))
                .mapToInt(Map.Entry::hashCode).sum();
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
