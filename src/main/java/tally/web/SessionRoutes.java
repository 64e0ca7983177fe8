package tally.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.ContentTooLargeResponse;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import io.javalin.http.SameSite;
import io.javalin.http.UnsupportedMediaTypeResponse;
import java.io.CharArrayReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import tally.counting.Sessions;
import tally.frame.http.Answer;
import tally.frame.redis.Unavailable;

/** The session as HTTP knows it: a cookie, and {@code /api/session} to read it, to add to it and to end it. */
public record SessionRoutes(Sessions sessions, Duration ttl) {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
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
    boolean wantsBody(Context context) {
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
        // The header as it was sent: Jetty throws where it names a charset that Java does not know.
        var type = context.header("Content-Type");
        if (type == null || !type.split(";", 2)[0].strip().equalsIgnoreCase("application/json")) {
            throw new UnsupportedMediaTypeResponse("The body must be application/json");
        }
        JsonNode body;
        try {
            // Jackson would take the overlong, and UTF-16 and UTF-32 as well.
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(context.bodyAsBytes()));
            body = JSON.readTree(new CharArrayReader(text.array(), text.arrayOffset(), text.length()));
        } catch (JsonProcessingException | CharacterCodingException malformed) {
            throw new BadRequestResponse("The body is not JSON in UTF-8");
        } catch (IOException cut) {
            throw new Unavailable("The body did not arrive");
        }
        if (body == null || !body.isObject()) {
            throw new BadRequestResponse("The body must be a JSON object");
        }
        if (body.size() > Sessions.MOST_FIELDS) {
            throw new ContentTooLargeResponse("A session holds at most " + Sessions.MOST_FIELDS + " fields");
        }
        var data = new LinkedHashMap<String, String>();
        body.properties().forEach(field -> {
            if (!field.getValue().isTextual() || field.getKey().isEmpty()) {
                throw new BadRequestResponse("Every field must have a name, and a string as its value");
            }
            checkText(field.getKey());
            checkText(field.getValue().textValue());
            checkSize("A field's name", field.getKey(), 64);
            checkSize("A field's value", field.getValue().textValue(), 1024);
            data.put(field.getKey(), field.getValue().textValue());
        });
        return data;
    }

    /** Half of a character can be written in JSON, and nowhere else. */
    private static void checkText(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new BadRequestResponse("A name or a value holds half of a character");
        }
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
