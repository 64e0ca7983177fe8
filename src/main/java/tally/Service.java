package tally;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import redis.clients.jedis.UnifiedJedis;
import tally.counting.Counting;
import tally.counting.Keys;
import tally.counting.Sessions;
import tally.counting.Stats;
import tally.counting.Visits;
import tally.frame.http.ErrorForm;
import tally.frame.http.Problems;
import tally.frame.metrics.Metrics;
import tally.frame.redis.Cache;
import tally.frame.redis.RedisClients;
import tally.live.EventStream;
import tally.live.NewsPublisher;
import tally.web.Routes;
import tally.web.SessionRoutes;

/**
 * What Tally has beyond what any service has: the counter's parts, each made and handed to those that need it.
 *
 * <p>{@link Main} starts and stops it.
 */
public final class Service implements AutoCloseable {

    /** How errors are told where nobody reads a problem document. */
    static final ErrorForm ERRORS = Routes.ERRORS;

    private final Keys keys;
    private final UnifiedJedis redisOfVisits;
    private final NewsPublisher announcer;
    private final Visits visits;
    private final EventStream events;
    private final SessionRoutes sessions;
    private final Routes routes;

    public Service(Settings settings, UnifiedJedis redis, Metrics metrics) {
        this(settings, redis, metrics, visits -> visits);
    }

    /** With another way of counting, which is given Tally's own: scripts/bench.sh measures them against each other. */
    public Service(Settings settings, UnifiedJedis redis, Metrics metrics, UnaryOperator<Counting> way) {
        var own = settings.service();
        keys = new Keys(redis);
        redisOfVisits = RedisClients.openSingle(settings.redis(), metrics);
        announcer = new NewsPublisher(redis, keys);
        visits = new Visits(
                redis, redisOfVisits, keys, own.visits(), own.counting(), settings.redis(), announcer::note, metrics);
        events = new EventStream(own.events(), settings.redis(), visits::total, metrics);
        sessions = new SessionRoutes(
                new Sessions(redis, keys, own.session(), metrics), own.session().ttl());
        var cache = new Cache(redis, keys::cached, own.cache(), metrics);
        routes = new Routes(
                settings.message(),
                way.apply(visits),
                own.counting(),
                visits,
                new Stats(redis, keys),
                sessions,
                cache,
                events);
    }

    void install(RoutesConfig config, Problems problems) {
        routes.install(config, problems);
    }

    /** However much there is to do, these addresses are answered. */
    Set<String> alwaysAnswered() {
        return Routes.ALWAYS_ANSWERED;
    }

    /** Looks at a request before its route does; true where it is answered by that. */
    boolean isAnswered(Context context) {
        return routes.isAnswered(context);
    }

    /** Whether a route reads the body of this request. */
    boolean wantsBody(Context context) {
        return sessions.wantsBody(context);
    }

    /** Does all that a write would, but writes nothing; fails as it would. */
    void tryOut() {
        visits.tryOut();
    }

    /** A key of each kind, by which rights are tried out. */
    List<String> oneKeyOfEach() {
        return keys.oneOfEach();
    }

    void start() {
        announcer.start();
        visits.start();
        events.start();
    }

    /** Ends the answers that have no end of their own. */
    void letGo() {
        events.close();
    }

    /** Called when no request is under way any more. */
    @Override
    public void close() {
        visits.close();
        announcer.close();
        redisOfVisits.close();
    }
}
