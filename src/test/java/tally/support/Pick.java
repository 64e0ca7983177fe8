package tally.support;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Runs the tests that are named as CLASS or CLASS#METHOD, in this process: for scripts/mutants.sh, which can't wait for
 * Maven.
 */
final class Pick {

    private Pick() {}

    /** The name of a class of tests is found once, in whatever package. */
    private static String inItsPackage(String name) {
        var file = name.replaceFirst("#.*", "") + ".class";
        var root = Path.of("target/test-classes");
        try (var files = Files.walk(root)) {
            var found = root.relativize(files.filter(each -> each.endsWith(file))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("There is no " + name)));
            return found.toString().replace('/', '.').replaceFirst("[^.]*[.]class$", "") + name;
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static void main(String[] names) {
        var listener = new SummaryGeneratingListener();
        var selectors = Arrays.stream(names)
                .map(Pick::inItsPackage)
                .map(name -> name.contains("#")
                        ? DiscoverySelectors.selectMethod(name)
                        : DiscoverySelectors.selectClass(name))
                .toList();
        try (var session = LauncherFactory.openSession()) {
            session.getLauncher()
                    .execute(
                            LauncherDiscoveryRequestBuilder.request()
                                    .selectors(selectors)
                                    .build(),
                            listener);
        }
        var summary = listener.getSummary();
        summary.printFailuresTo(new PrintWriter(System.out, true, StandardCharsets.UTF_8), 3);
        System.exit(summary.getTestsSucceededCount() > 0 && summary.getTotalFailureCount() == 0 ? 0 : 1);
    }
}
