package tally.counting;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;

/**
 * What a page may be called: parts between slashes, of which the first is the site, or a single word as it is.
 *
 * <p>The same page has one name, however an address spells it. The front page of a site keeps its slash, since the name
 * without it is the site itself.
 */
public final class PageName {

    public static final String RULE =
            "A page name is 1 to 256 bytes of UTF-8 in parts between slashes: no control characters, no empty part, "
                    + "no part that is . or .., and the first is not total";

    /** Its address is that of the total. */
    private static final String TOTAL = "total";

    private static final int MOST_BYTES = 256;

    private PageName() {}

    /** The one spelling of a name that was decoded from an address; empty where it is none. */
    public static Optional<String> canonical(String decoded) {
        var path = Normalizer.normalize(decoded.split("[?#]", 2)[0], Normalizer.Form.NFC);
        int slash = path.indexOf('/');
        if (slash > 0) {
            var rest = path.substring(slash + 1).replaceFirst("(^|(?<=/))index\\.html$", "");
            path = path.substring(0, slash).toLowerCase(Locale.ROOT) + "/" + rest.replaceFirst("/$", "");
        }
        return isOne(path) ? Optional.of(path) : Optional.empty();
    }

    /** Whether it is a name in its one spelling. */
    static boolean isCanonical(String name) {
        return canonical(name).filter(name::equals).isPresent();
    }

    /** The first part of a name that has more than one; empty for a single word. */
    public static String siteOf(String name) {
        int slash = name.indexOf('/');
        return slash < 0 ? "" : name.substring(0, slash);
    }

    private static boolean isOne(String path) {
        if (path.isEmpty()
                || path.equals(TOTAL)
                || siteOf(path).equals(TOTAL)
                || path.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
            return false;
        }
        var isFrontPage = path.indexOf('/') == path.length() - 1;
        for (var part : (isFrontPage ? siteOf(path) : path).split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                return false;
            }
        }
        return path.codePoints().noneMatch(PageName::isNotText);
    }

    private static boolean isNotText(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL, Character.SURROGATE, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                true;
            default -> (character & 0xfffe) == 0xfffe;
        };
    }
}
