package tally;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import redis.clients.jedis.UnifiedJedis;
import tally.entries.Entries;
import tally.entries.EntryRoutes;
import tally.frame.http.ErrorForm;
import tally.frame.http.Problems;
import tally.frame.http.StandardRoutes;
import tally.frame.metrics.Metrics;

/**
 * What this service has beyond what any service has: the guestbook's parts, each made and handed to those that need it.
 *
 * <p>{@link Main} starts and stops it.
 */
public final class Service implements AutoCloseable {

    /** How errors are told where nobody reads a problem document. Here everybody does. */
    static final ErrorForm ERRORS = (path, query, status, detail) -> Optional.empty();

    private final Entries entries;
    private final EntryRoutes routes;

    public Service(Settings settings, UnifiedJedis redis, Metrics metrics) {
        entries = new Entries(redis, settings.service().entries());
        var written = metrics.events("tally_entries_written", "Entries written");
        routes = new EntryRoutes(settings.message(), entries, written);
    }

    void install(RoutesConfig config, Problems problems) {
        routes.install(config);
    }

    /** However much there is to do, these addresses are answered. */
    Set<String> alwaysAnswered() {
        return StandardRoutes.ALWAYS_ANSWERED;
    }

    /** Looks at a request before its route does; true where it is answered by that. */
    boolean isAnswered(Context context) {
        return false;
    }

    /** Whether a route reads the body of this request. */
    boolean wantsBody(Context context) {
        return routes.wantsBody(context);
    }

    /** Does all that a write would, but leaves nothing; fails as it would. */
    void tryOut() {
        entries.tryOut();
    }

    /** A key of each kind, by which rights are tried out. */
    List<String> oneKeyOfEach() {
        return entries.oneKeyOfEach();
    }

    /** Called before the first request. A guestbook has nothing to start; a thread of yours begins here. */
    void start() {}

    /** Ends the answers that have no end of their own. A guestbook has none. */
    void letGo() {}

    /** Called when no request is under way any more. */
    @Override
    public void close() {}
}
