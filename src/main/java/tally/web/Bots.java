package tally.web;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Knows bots by their user agents: those of {@code bots.txt}, a public list that scripts/bots.sh renews.
 *
 * <p>Most of its expressions are plain text. They are found by their first three letters, since to try more than a
 * thousand at each place of a header would cost more than the visit. Immutable.
 */
final class Bots {

    /** So many letters of a text find it. */
    private static final int INDEXED = 3;

    /** What most of those that no list knows say of themselves. Cubot makes telephones. */
    private static final String UNLISTED = "(?i)(?<!cu)bot\\b|crawl|spider";

    private static final Pattern PLAIN_TEXT = Pattern.compile("(?:[^\\\\\\[\\](){}*+?|^$.]|\\\\[/.!-])+");

    private final Map<String, List<String>> texts = new HashMap<>();
    private final Pattern expressions;

    Bots() {
        var rest = new ArrayList<String>();
        for (var line : lines()) {
            var text = line.replaceAll("\\\\(?=[/.!-])", "");
            if (PLAIN_TEXT.matcher(line).matches() && text.length() >= INDEXED) {
                texts.computeIfAbsent(text.substring(0, INDEXED), key -> new ArrayList<>())
                        .add(text);
            } else {
                rest.add(line);
            }
        }
        rest.add(UNLISTED);
        expressions = Pattern.compile(String.join("|", rest));
    }

    private static List<String> lines() {
        try (var file = Bots.class.getResourceAsStream("/bots.txt")) {
            var text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().filter(line -> !line.startsWith("#")).toList();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    boolean contain(String agent) {
        for (int at = 0; at + INDEXED <= agent.length(); at++) {
            for (var text : texts.getOrDefault(agent.substring(at, at + INDEXED), List.of())) {
                if (agent.startsWith(text, at)) {
                    return true;
                }
            }
        }
        return expressions.matcher(agent).find();
    }
}
