package tally;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.QuotedQualityCSV;

/**
 * The page that a browser gets at {@code /}: {@code public/index.html} with the number already in it, so that it works
 * without JavaScript.
 *
 * <p>Immutable.
 */
final class Page {

    private static final String MARK = "<!-- visits -->";

    private final String before;
    private final String after;

    Page() {
        try (var file = Page.class.getResourceAsStream("/public/index.html")) {
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

    /** Whether the client would rather have HTML than JSON; one that takes anything, as curl does, would not. */
    static boolean isPreferred(Context context) {
        var accept = context.header("Accept");
        if (accept == null || !accept.contains("text/html")) {
            return false;
        }
        var types = new QuotedQualityCSV();
        types.addValue(accept);
        for (var type : types.getValues()) {
            if (type.equals("text/html") || type.equals("application/json") || type.equals("*/*")) {
                return type.equals("text/html");
            }
        }
        return false;
    }
}
