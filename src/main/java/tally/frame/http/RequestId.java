package tally.frame.http;

import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The name of a request, which Nginx gives it. Nginx sends a request again under the same name where a replica did not
 * answer: so whoever writes must know the name again, and give the answer of the first time.
 */
public final class RequestId {

    /** How long a name must be known, at least: longer than Nginx sends it. EdgeWaitsTest adds up how long that is. */
    public static final Duration KNOWN = Duration.ofSeconds(40);

    private static final Pattern PATTERN = Pattern.compile("[\\w.-]{1,128}");

    private RequestId() {}

    public static String of(Context context) {
        var id = context.header("X-Request-Id");
        // So that one whose connection to Redis breaks can be sent again. Unique, not secret.
        return id == null ? newId() : checked("X-Request-Id", id);
    }

    /** The id, unless it is none; {@code what} says where it stands. */
    public static String checked(String what, String id) {
        if (!PATTERN.matcher(id).matches()) {
            throw new BadRequestResponse(what + " must be 1 to 128 letters, digits, dots, dashes or underscores");
        }
        return id;
    }

    private static String newId() {
        var random = ThreadLocalRandom.current();
        var hex = HexFormat.of();
        return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
    }
}
