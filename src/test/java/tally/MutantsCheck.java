package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

/**
 * What {@code mvn -P mutants verify} asks for after PIT has tried each mutant: it prints the score by class and fails
 * where too few were seen. Those of {@code equivalent-mutants.txt} change nothing that anybody could see, and don't
 * count.
 */
class MutantsCheck {

    private static final Path REPORT = Path.of("target/pit-reports/mutations.xml");
    private static final Path EQUIVALENT = Path.of("src/test/resources/equivalent-mutants.txt");
    private static final int LEAST_OF_A_CLASS = 70;
    private static final int LEAST_OF_ALL = 85;

    private record Mutant(String type, String line, boolean isSeen) {}

    private record Score(int seen, int all) {
        Score plus(boolean isSeen) {
            return new Score(seen + (isSeen ? 1 : 0), all + 1);
        }

        int percent() {
            return all == 0 ? 100 : 100 * seen / all;
        }
    }

    @Test
    void testsSeeMistakes() throws Exception {
        var equivalent = equivalent();
        var unused = new HashSet<>(equivalent);
        var survivors = new ArrayList<String>();
        Map<String, Score> classes = new TreeMap<>();
        var all = new Score(0, 0);
        for (var mutant : mutants()) {
            unused.remove(mutant.line);
            if (!mutant.isSeen && equivalent.contains(mutant.line)) {
                continue;
            }
            if (!mutant.isSeen) {
                survivors.add(mutant.line);
            }
            classes.merge(
                    mutant.type, new Score(0, 0).plus(mutant.isSeen), (before, one) -> before.plus(mutant.isSeen));
            all = all.plus(mutant.isSeen);
        }
        survivors.stream().sorted().forEach(survivor -> System.out.println("survived: " + survivor));
        classes.forEach((name, score) -> System.out.printf("%3d %% of %3d  %s%n", score.percent(), score.all, name));
        System.out.printf("%3d %% of %3d  in all%n", all.percent(), all.all);
        assertThat(all.all).as("mutants in " + REPORT).isPositive();
        assertThat(all.percent()).as("percent seen of all").isGreaterThanOrEqualTo(LEAST_OF_ALL);
        assertThat(classes)
                .allSatisfy(
                        (name, score) -> assertThat(score.percent()).as(name).isGreaterThanOrEqualTo(LEAST_OF_A_CLASS));
        // Where only some classes were tried, the others' are not among them.
        assertThat(unused)
                .as("no longer among the mutants of their class")
                .noneMatch(line -> classes.containsKey(line.replaceFirst("[.$ ].*", "")));
    }

    /** Each without its number of line, so that the list lives with the sources. */
    private static List<Mutant> mutants() throws Exception {
        var found = new ArrayList<Mutant>();
        var nodes = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(REPORT.toFile())
                .getElementsByTagName("mutation");
        for (int i = 0; i < nodes.getLength(); i++) {
            var mutation = (Element) nodes.item(i);
            var type = text(mutation, "mutatedClass").replaceFirst("^tally[.]([a-z]+[.])*", "");
            var line = "%s.%s %s".formatted(type, text(mutation, "mutatedMethod"), text(mutation, "description"));
            found.add(new Mutant(
                    type.replaceFirst("[$].*", ""),
                    line,
                    mutation.getAttribute("detected").equals("true")));
        }
        return found;
    }

    private static String text(Element mutation, String name) {
        return mutation.getElementsByTagName(name).item(0).getTextContent();
    }

    /** Lines of which each second says why the one before it is none. */
    private static List<String> equivalent() throws IOException {
        return Files.readAllLines(EQUIVALENT).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#") && !line.startsWith(" "))
                .toList();
    }
}
