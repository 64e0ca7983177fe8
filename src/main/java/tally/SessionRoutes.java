package tally;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.ContentTooLargeResponse;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import io.javalin.http.SameSite;
import io.javalin.http.UnsupportedMediaTypeResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** The session as HTTP knows it: a cookie, and {@code /api/session} to read it, to add to it and to end it. */
record SessionRoutes(Sessions sessions, Duration ttl) {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final String COOKIE = "tally-session";

    void install(RoutesConfig routes) {
        routes.get("/api/session", this::read);
        routes.put("/api/session", this::merge);
        routes.delete("/api/session", this::end);
    }

    /** Notes a visit in the client's session, which begins if there is none; its id. */
    String visit(Context context, String requestId) {
        var id = sessions.visit(cookie(context), requestId);
        setCookie(context, id);
        return id;
    }

    /** The id of the client's session, empty where there is none. */
    String known(Context context) {
        return sessions.known(cookie(context)).orElse("");
    }

    private void read(Context context) {
        var session = sessions.read(cookie(context)).orElseThrow(SessionRoutes::noSession);
        setCookie(context, cookie(context));
        Answer.json(context, session);
    }

    private void merge(Context context) {
        var data = flatObject(context);
        var id = sessions.merge(cookie(context), data).orElseThrow(SessionRoutes::tooManyFields);
        setCookie(context, id);
        Answer.json(context, sessions.read(id).orElseThrow(SessionRoutes::noSession));
    }

    private void end(Context context) {
        sessions.end(cookie(context));
        context.removeCookie(COOKIE, "/");
        context.status(HttpStatus.NO_CONTENT);
    }

    private static Map<String, String> flatObject(Context context) {
        // As it was sent: whoever asks Jetty for it gets an exception where the charset is one that Java does not know.
        var type = context.header("Content-Type");
        if (type == null || !type.split(";")[0].strip().equalsIgnoreCase("application/json")) {
            throw new UnsupportedMediaTypeResponse("The body must be application/json");
        }
        JsonNode body;
        try {
            body = JSON.readTree(context.bodyAsBytes());
        } catch (JsonProcessingException malformed) {
            throw new BadRequestResponse("The body is not JSON");
        } catch (IOException cut) {
            throw new Visits.Unavailable("The body did not arrive");
        }
        if (body == null || !body.isObject()) {
            throw new BadRequestResponse("The body must be a JSON object");
        }
        if (body.size() > Sessions.MOST_FIELDS) {
            throw tooManyFields();
        }
        var data = new LinkedHashMap<String, String>();
        body.properties().forEach(field -> {
            if (!field.getValue().isTextual() || field.getKey().isEmpty()) {
                throw new BadRequestResponse("Every field must have a name, and a string as its value");
            }
            checkSize("A field's name", field.getKey(), 64);
            checkSize("A field's value", field.getValue().textValue(), 1024);
            data.put(field.getKey(), field.getValue().textValue());
        });
        return data;
    }

    private static void checkSize(String what, String text, int most) {
        if (text.getBytes(StandardCharsets.UTF_8).length > most) {
            throw new ContentTooLargeResponse(what + " has at most " + most + " bytes");
        }
    }

    private static ContentTooLargeResponse tooManyFields() {
        return new ContentTooLargeResponse("A session holds at most " + Sessions.MOST_FIELDS + " fields");
    }

    private static NotFoundResponse noSession() {
        return new NotFoundResponse("There is no session; the page and PUT /api/session begin one");
    }

    private static String cookie(Context context) {
        return context.cookie(COOKIE);
    }

    private void setCookie(Context context, String id) {
        var secure = "https".equals(context.header("X-Forwarded-Proto"));
        context.cookie(new Cookie(COOKIE, id, "/", (int) ttl.toSeconds(), secure, true, null, SameSite.LAX));
    }
}
