package tally.counting;

import java.util.regex.Pattern;

/** What a page may be called. */
public final class PageName {

    public static final String RULE = "A page name is 1 to 64 letters, digits, dots, dashes and underscores, begins with a letter or "
            + "digit, and is not total";

    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    private PageName() {}

    public static boolean isOne(String name) {
        return FORM.matcher(name).matches() && !name.equals("total");
    }
}
