package tally.frame.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends an answer whose bytes are all there, in one write and with its length; the last thing that a route does.
 *
 * <p>{@code Context.json} and {@code Context.result} copy each answer through a buffer of 8 KB that is made for it, and
 * Jackson keeps its own buffers by thread, which with a virtual thread for each request is never. Both were
 * most of what a request allocated (src/docs/decisions.md).
 */
public final class Answer {

    private static final Logger LOG = LoggerFactory.getLogger("tally");

    static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool())
            .build());

    private Answer() {}

    public static void json(Context context, Object value) {
        send(context, "application/json", jsonBytes(value));
    }

    public static void text(Context context, String type, String text) {
        send(context, type, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends it with a tag; to a client that has this very answer already, says so with a 304. */
    public static void unlessKnown(Context context, String type, String text) {
        var digest = new CRC32C();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        var etag = "\"" + Long.toHexString(digest.getValue()) + "\"";
        context.header("ETag", etag);
        // A proxy that compresses marks the tag as weak.
        var known = context.header("If-None-Match");
        if (known != null && known.contains(etag)) {
            context.status(HttpStatus.NOT_MODIFIED);
        } else {
            text(context, type, text);
        }
    }

    public static String asJson(Object value) {
        return new String(jsonBytes(value), StandardCharsets.UTF_8);
    }

    private static byte[] jsonBytes(Object value) {
        try {
            return JSON.writeValueAsBytes(value);
        } catch (JsonProcessingException unwritable) {
            throw new IllegalStateException(unwritable);
        }
    }

    private static void send(Context context, String type, byte[] body) {
        var response = context.res();
        response.setContentType(type);
        response.setContentLength(body.length);
        try {
            response.getOutputStream().write(body);
        } catch (IOException left) {
            LOG.debug("The client left before its answer", left);
        }
    }
}
