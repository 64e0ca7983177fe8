package tally.entries;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.util.regex.Pattern;
import tally.frame.http.Answer;
import tally.frame.http.JsonBody;
import tally.frame.http.RequestId;

/**
 * Every address of the guestbook, and who makes the answer.
 *
 * <p>Here a request is checked at the door: nothing behind it sees a name or a text that is not one. {@code written}
 * counts what was answered.
 */
public record EntryRoutes(String message, Entries entries, Runnable written) {

    private static final String PATH = "/api/entries";
    private static final int LONGEST_NAME = 32;
    private static final int LONGEST_TEXT = 200;
    private static final Pattern PRINTABLE = Pattern.compile("[^\\x00-\\x1f\\x7f-\\x9f]+");

    private record Welcome(String message, long entries) {}

    private record Entry(long number, String name, String text) {}

    public void install(RoutesConfig routes) {
        routes.get("/", context -> Answer.json(context, new Welcome(message, entries.total())));
        routes.get(PATH, this::read);
        routes.post(PATH, this::write);
    }

    /** Whether this is the one request that comes with a body. */
    public boolean wantsBody(Context context) {
        return context.method().equals(HandlerType.POST) && context.path().equals(PATH);
    }

    private void read(Context context) {
        Answer.text(context, "application/json", "{\"entries\":[" + String.join(",", entries.newest()) + "]}");
    }

    private void write(Context context) {
        var requestId = RequestId.of(context);
        var body = JsonBody.object(context);
        if (body.size() != 2) {
            throw new BadRequestResponse("An entry has a name and a text, and nothing else");
        }
        var name = text(body, "name", LONGEST_NAME);
        var text = text(body, "text", LONGEST_TEXT);
        long number = entries.write(requestId, name, text);
        written.run();
        context.status(HttpStatus.CREATED);
        Answer.json(context, new Entry(number, name, text));
    }

    private static String text(JsonNode body, String field, int most) {
        var text = body.path(field).asText("");
        if (!body.path(field).isTextual()
                || text.codePointCount(0, text.length()) > most
                || !PRINTABLE.matcher(text).matches()) {
            throw new BadRequestResponse("The %s must be 1 to %d printable characters".formatted(field, most));
        }
        JsonBody.checkText(text);
        return text;
    }
}
