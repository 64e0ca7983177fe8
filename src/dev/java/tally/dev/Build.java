package tally.dev;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/** What {@link Reload} has made of the sources: a folder of classes and resources, as they are in the jar. */
record Build(Path sources) {

    private static final String SCRIPT = "<script type=\"module\" src=\"dev/reload.js\"></script>\n";

    /** The newest sources make no service; the message says to the developer why. */
    static final class Failed extends Exception {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message);
        }
    }

    /** With {@link DevInstance}; warnings are left to Maven, which refuses them. */
    void compile(Collection<Path> all, Path classes) throws IOException, Failed {
        var found = new DiagnosticCollector<JavaFileObject>();
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(found, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            var files = all.stream()
                    .filter(file -> file.toString().endsWith(".java"))
                    .collect(Collectors.toCollection(ArrayList::new));
            files.add(sources.resolve("dev/java/tally/dev/DevInstance.java"));
            var options = List.of("-d", Files.createDirectories(classes).toString(), "-proc:none");
            if (!compiler.getTask(null, manager, found, options, null, manager.getJavaFileObjectsFromPaths(files))
                    .call()) {
                throw new Failed(found.getDiagnostics().stream()
                        .filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
                        .map(this::line)
                        .collect(Collectors.joining("\n")));
            }
        }
    }

    private String line(Diagnostic<? extends JavaFileObject> error) {
        var message = error.getMessage(Locale.ENGLISH);
        if (error.getSource() == null) {
            return message;
        }
        var root = sources.resolve("..").normalize();
        return "%s:%d: %s"
                .formatted(root.relativize(Path.of(error.getSource().toUri())), error.getLineNumber(), message);
    }

    /** The page with the script in it that hears the {@link DevNews}. */
    void copyResources(Collection<Path> all, Path classes) throws IOException {
        var resources = sources.resolve("main/resources");
        for (var file : all) {
            if (file.startsWith(resources)) {
                var copy = classes.resolve(resources.relativize(file).toString());
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
                if (file.endsWith("resources/page.html")) {
                    Files.writeString(copy, Files.readString(file).replace("</head>", SCRIPT + "</head>"));
                }
            }
        }
    }
}
