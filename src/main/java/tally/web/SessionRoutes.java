package tally.web;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.ContentTooLargeResponse;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import io.javalin.http.SameSite;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import tally.counting.Sessions;
import tally.frame.http.Answer;
import tally.frame.http.JsonBody;

/** The session as HTTP knows it: a cookie, and {@code /api/session} to read it, to add to it and to end it. */
public record SessionRoutes(Sessions sessions, Duration ttl) {

    private static final String COOKIE = "tally-session";

    void install(RoutesConfig routes) {
        routes.get("/api/session", this::read);
        routes.put("/api/session", this::merge);
        routes.delete("/api/session", this::end);
    }

    /**
     * Notes a visit in the client's session, which begins if there is none; its id, empty where there is no room for
     * one.
     */
    String visit(Context context, String requestId) {
        var id = sessions.visit(cookie(context), requestId);
        id.ifPresent(known -> setCookie(context, known));
        return id.orElse("");
    }

    /** Whether this is the one request that comes with a body. */
    public boolean wantsBody(Context context) {
        return context.method().equals(HandlerType.PUT) && context.path().equals("/api/session");
    }

    /** The id of the client's session, empty where there is none. */
    String known(Context context) {
        return sessions.known(cookie(context)).orElse("");
    }

    private void read(Context context) {
        var session = sessions.read(cookie(context)).orElseThrow(SessionRoutes::noSession);
        setCookie(context, session.id());
        Answer.json(context, session);
    }

    private void merge(Context context) {
        var session = sessions.merge(cookie(context), flatObject(context));
        setCookie(context, session.id());
        Answer.json(context, session);
    }

    private void end(Context context) {
        sessions.end(cookie(context));
        context.removeCookie(COOKIE, "/");
        context.status(HttpStatus.NO_CONTENT);
    }

    private static Map<String, String> flatObject(Context context) {
        var body = JsonBody.object(context);
        if (body.size() > Sessions.MOST_FIELDS) {
            throw new ContentTooLargeResponse("A session holds at most " + Sessions.MOST_FIELDS + " fields");
        }
        var data = new LinkedHashMap<String, String>();
        body.properties().forEach(field -> {
            if (!field.getValue().isTextual() || field.getKey().isEmpty()) {
                throw new BadRequestResponse("Every field must have a name, and a string as its value");
            }
            JsonBody.checkText(field.getKey());
            JsonBody.checkText(field.getValue().textValue());
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

    private static NotFoundResponse noSession() {
        return new NotFoundResponse("There is no session; the page and PUT /api/session begin one");
    }

    /** Empty where the client sends none. */
    private static String cookie(Context context) {
        return Objects.requireNonNullElse(context.cookie(COOKIE), "");
    }

    private void setCookie(Context context, String id) {
        var secure = "https".equals(context.header("X-Forwarded-Proto"));
        context.cookie(new Cookie(COOKIE, id, "/", (int) ttl.toSeconds(), secure, true, null, SameSite.LAX));
    }
}
