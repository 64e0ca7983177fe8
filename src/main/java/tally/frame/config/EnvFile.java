package tally.frame.config;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The lines of an env file, as Docker Compose reads them: {@code NAME=value}, blank lines, {@code #} comments, an
 * optional {@code export}, and quotes around a value that are not part of it.
 */
final class EnvFile {

    private static final Pattern LINE = Pattern.compile("\\s*(?:export\\s+)?(?<name>[A-Za-z_][A-Za-z0-9_]*)\\s*=\\s*"
            + "(?:'(?<single>[^']*)'|\"(?<double>[^\"]*)\"|(?<plain>.*?))\\s*(?:(?<=\\s)#.*)?");

    private EnvFile() {}

    /** The variables that have a value, by name; the last line of a name wins, other lines are ignored. */
    static Map<String, String> parse(String text) {
        var variables = new HashMap<String, String>();
        text.lines().map(LINE::matcher).filter(java.util.regex.Matcher::matches).forEach(line -> {
            var quoted = line.group("single") != null ? line.group("single") : line.group("double");
            variables.put(line.group("name"), quoted != null ? quoted : line.group("plain"));
        });
        variables.values().removeIf(String::isEmpty);
        return variables;
    }
}
