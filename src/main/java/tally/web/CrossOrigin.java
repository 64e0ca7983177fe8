package tally.web;

import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Lets pages of other sites read counts (CORS): of any site, or of those that are counted here. Never with cookies.
 *
 * <p>Nginx says the same of the errors that it answers itself. Immutable.
 */
record CrossOrigin(Set<String> sites) {

    /** What such a page may read. Sessions are nobody else's. */
    private static final Pattern READABLE = Pattern.compile(
            "/|/api/(visits|visitors|stats|events)(/.*)?|/count/.*|/badge/.*|/count\\.js|/openapi\\.yaml|/health");

    private static final String A_DAY = "86400";

    /** Says with each answer who may read it, also with an error. */
    void allow(Context context) {
        if (!READABLE.matcher(context.path()).matches()) {
            return;
        }
        var origin = context.header("Origin");
        if (sites.isEmpty()) {
            context.header("Access-Control-Allow-Origin", "*");
        } else {
            context.res().addHeader("Vary", "Origin");
            if (origin != null && sites.contains(hostOf(origin))) {
                context.header("Access-Control-Allow-Origin", origin);
            }
        }
        context.header("Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
    }

    /** Answers a browser that asks first whether it may ask; false where it does not. */
    boolean answersPreflight(Context context) {
        if (!context.method().equals(HandlerType.OPTIONS)
                || context.header("Access-Control-Request-Method") == null
                || !READABLE.matcher(context.path()).matches()) {
            return false;
        }
        context.header("Access-Control-Allow-Methods", "GET, HEAD, POST")
                .header("Access-Control-Allow-Headers", "Content-Type")
                .header("Access-Control-Max-Age", A_DAY)
                .status(HttpStatus.NO_CONTENT);
        return true;
    }

    /** With its port, where it has one of its own; empty for what is no origin. */
    private static String hostOf(String origin) {
        try {
            var address = URI.create(origin);
            return address.getRawAuthority() == null
                    ? ""
                    : address.getRawAuthority().toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException garbage) {
            return "";
        }
    }
}
