package tally.web;

import io.javalin.http.Context;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import tally.counting.Caller;

/**
 * Who is behind a request, and whether a person sees the answer.
 *
 * <p>Immutable.
 */
final class Callers {

    /** In which browsers and proxies say that nobody looks yet. */
    private static final List<String> PURPOSES = List.of("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz");

    private static final int NETWORK_OF_IPV6 = 8;

    private final Bots bots = new Bots();
    private final boolean countsBots;

    Callers(boolean countsBots) {
        this.countsBots = countsBots;
    }

    /** Whether it is a visit: neither a bot asks, nor a browser that only prepares for one. */
    boolean isCounted(Context context) {
        return (countsBots || !isBot(context)) && !isPrepared(context);
    }

    /** Who says nothing of itself is no browser. */
    boolean isBot(Context context) {
        var agent = context.userAgent();
        return agent == null || agent.isBlank() || bots.contain(agent);
    }

    private static boolean isPrepared(Context context) {
        return PURPOSES.stream()
                .map(context::header)
                .anyMatch(purpose -> purpose != null
                        && (purpose.contains("prefetch")
                                || purpose.contains("prerender")
                                || purpose.contains("preview")));
    }

    /** A visitor, where a browser asks: all of them begin with the same word. */
    Caller of(Context context) {
        var isBrowser = !isBot(context) && context.userAgent().startsWith("Mozilla/");
        return new Caller(address(context), isBrowser ? context.userAgent() : "");
    }

    /**
     * The address that Nginx saw, of IPv6 its network of 64 bits, since whoever has one of its addresses has them all.
     * Without Nginx it is that of the connection.
     */
    private static String address(Context context) {
        var seenByNginx = context.header("X-Forwarded-For");
        try {
            var bytes = InetAddress.ofLiteral(seenByNginx == null ? context.ip() : seenByNginx)
                    .getAddress();
            return HexFormat.of().formatHex(bytes, 0, Math.min(bytes.length, NETWORK_OF_IPV6));
        } catch (IllegalArgumentException garbage) {
            return context.ip();
        }
    }
}
