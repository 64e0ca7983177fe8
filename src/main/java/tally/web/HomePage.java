package tally.web;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.QuotedQualityCSV;

/**
 * The page that a browser gets at {@code /}: {@code page.html} with the number already in it, so that it works
 * without JavaScript.
 *
 * <p>Immutable.
 */
final class HomePage {

    private static final String MARK = "<!-- visits -->";

    private final String before;
    private final String after;

    HomePage() {
        try (var file = HomePage.class.getResourceAsStream("/page.html")) {
            var html = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            int mark = html.indexOf(MARK);
            before = html.substring(0, mark);
            after = html.substring(mark + MARK.length());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    String with(long visits) {
        return before + visits + after;
    }

    /**
     * Whether the client would rather have HTML than JSON. One that takes anything, as curl does, would not; nor would
     * one whose wish can't be read.
     */
    static boolean isPreferred(Context context) {
        var accept = context.header("Accept");
        if (accept == null || !accept.contains("text/html")) {
            return false;
        }
        var types = new QuotedQualityCSV();
        try {
            types.addValue(accept);
        } catch (IllegalArgumentException malformed) {
            return false;
        }
        for (var type : types.getValues()) {
            if (type.equals("text/html") || type.equals("application/json") || type.equals("*/*")) {
                return type.equals("text/html");
            }
        }
        return false;
    }
}
