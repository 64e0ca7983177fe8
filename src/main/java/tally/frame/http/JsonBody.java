package tally.frame.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.UnsupportedMediaTypeResponse;
import java.io.CharArrayReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import tally.frame.redis.Unavailable;

/** Reads what a client sends as a JSON object in UTF-8, and refuses in words what is none. */
public final class JsonBody {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private JsonBody() {}

    public static JsonNode object(Context context) {
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
        return body;
    }

    /** Half of a character can be written in JSON, and nowhere else. */
    public static void checkText(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new BadRequestResponse("A name or a value holds half of a character");
        }
    }
}
