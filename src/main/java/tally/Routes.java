package tally;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * Every address that Tally answers to, and what it hands to whom.
 *
 * <p>Here a request is checked at the door: nothing behind it sees a name or an id that is not one.
 */
final class Routes {

    private static final Pattern PAGE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final Pattern REQUEST_ID = Pattern.compile("[\\w.-]{1,128}");
    private static final Pattern BOT = Pattern.compile("bot|crawl|spider|slurp|preview|facebookexternalhit", Pattern.CASE_INSENSITIVE);

    private final Settings settings;
    private final ToLongFunction<Visits.Visit> counter;
    private final Visits visits;
    private final Stats stats;
    private final SessionRoutes sessions;
    private final Cache cache;
    private final Events events;
    private final Health health;
    private final Metrics metrics;
    private final Page page = new Page();

    Routes(Settings settings, ToLongFunction<Visits.Visit> counter, Visits visits, Stats stats, Sessions sessions, Cache cache,
            Events events, Health health, Metrics metrics) {
        this.settings = settings;
        this.counter = counter;
        this.visits = visits;
        this.stats = stats;
        this.sessions = new SessionRoutes(sessions, settings.session().ttl());
        this.cache = cache;
        this.events = events;
        this.health = health;
        this.metrics = metrics;
    }

    void install(RoutesConfig routes) {
        routes.before(this::welcome);
        routes.before("/health", this::healthForHead);
        routes.get("/", this::visit);
        routes.get("/api/visits", context -> Answer.json(context, new Total(visits.total())));
        routes.get("/api/visits/{page}", context -> Answer.json(context, new OfPage(page(context), visits.of(page(context)))));
        routes.post("/api/visits/{page}", context -> Answer.json(context, new OfPage(page(context), countPage(context))));
        routes.get("/badge/total.svg", context -> badge(context, visits.total()));
        routes.get("/badge/{page}.svg", context -> badge(context, visits.of(page(context))));
        routes.get("/api/stats", this::stats);
        sessions.install(routes);
        routes.get("/api/events", events::serve);
        routes.get("/health", this::health);
        routes.get("/metrics", metrics::serve);
        routes.get("/health/live", context -> Answer.json(context, Map.of("status", "up")));
        var openapi = resource("/openapi.yaml");
        routes.get("/openapi.yaml", context ->
                Answer.text(context.header("Cache-Control", "public, max-age=300"), "application/yaml", openapi));
        Problems.install(routes);
    }

    private static String resource(String name) {
        try (var file = Routes.class.getResourceAsStream(name)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private record Counted(String message, long visits) {}

    private record Total(long visits) {}

    private record OfPage(String page, long visits) {}

    private void visit(Context context) {
        var requestId = requestId(context);
        context.header("Vary", "Accept");
        if (!Page.isPreferred(context)) {
            Answer.json(context, new Counted(settings.message(), count(requestId, "", "")));
            return;
        }
        var id = "";
        if (!isBot(context)) {
            id = sessions.visit(context, requestId);
        }
        Answer.text(context, "text/html;charset=utf-8", page.with(count(requestId, "", id)));
    }

    private long countPage(Context context) {
        return count(requestId(context), page(context), sessions.known(context));
    }

    private long count(String requestId, String page, String visitor) {
        return counter.applyAsLong(new Visits.Visit(requestId, page, visitor));
    }

    private static void badge(Context context, long visits) {
        var badge = Badge.of(context.queryParam("label"), context.queryParam("color"));
        context.header("Cache-Control", "public, max-age=5");
        if (!isUnchanged(context, visits + "-" + Main.version())) {
            Answer.text(context, "image/svg+xml", badge.with(visits));
        }
    }

    private void stats(Context context) {
        var cached = cache.get("stats", stats::read);
        var digest = new CRC32C();
        digest.update(cached.json().getBytes(StandardCharsets.UTF_8));
        context.header("X-Cache", cached.state().name())
                .header("Cache-Control", "public, max-age=1, stale-while-revalidate=5");
        if (!isUnchanged(context, Long.toHexString(digest.getValue()))) {
            Answer.text(context, "application/json", cached.json());
        }
    }

    /** Sets the tag; if the client has this very answer already, says so with a 304. */
    private static boolean isUnchanged(Context context, String tag) {
        var etag = "\"" + tag + "\"";
        context.header("ETag", etag);
        // A proxy that compresses marks the tag as weak.
        var known = context.header("If-None-Match");
        var unchanged = known != null && known.contains(etag);
        if (unchanged) {
            context.status(HttpStatus.NOT_MODIFIED);
        }
        return unchanged;
    }

    private void health(Context context) {
        var report = health.report();
        if (!report.isUp()) {
            context.header("Retry-After", "1");
        }
        context.status(report.isUp() ? 200 : 503);
        Answer.json(context, report);
    }

    /** What holds for every request; in one, since each handler of this kind costs every request a search and a task. */
    private void welcome(Context context) {
        // Javalin would take the header's method for the request's own, so that a GET could write.
        if (context.header("X-HTTP-Method-Override") != null) {
            throw new BadRequestResponse("X-HTTP-Method-Override is not supported");
        }
        // An answer is of now alone, unless its route says otherwise.
        context.header("Cache-Control", "no-store");
        // From the announcement on, Nginx is asked to leave with each answer, rather than with the next request.
        if (health.isStopping()) {
            context.header("Connection", "close");
        }
    }

    /** Javalin answers HEAD with 200 and asks no route, which a health check must not believe. */
    private void healthForHead(Context context) {
        if (context.method() == HandlerType.HEAD) {
            health(context);
            context.skipRemainingHandlers();
        }
    }

    private static boolean isBot(Context context) {
        var agent = context.userAgent();
        return agent == null || BOT.matcher(agent).find();
    }

    private static String page(Context context) {
        var name = context.pathParam("page");
        if (!PAGE_NAME.matcher(name).matches() || name.equals("total")) {
            throw new BadRequestResponse("A page name is 1 to 64 letters, digits, dots, dashes and underscores, begins with a letter or "
                    + "digit, and is not total");
        }
        return name;
    }

    private static String requestId(Context context) {
        var id = context.header("X-Request-Id");
        if (id != null && !REQUEST_ID.matcher(id).matches()) {
            throw new BadRequestResponse("X-Request-Id must be 1 to 128 letters, digits, dots, dashes or underscores");
        }
        return id == null ? "" : id;
    }
}
