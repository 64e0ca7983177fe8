package tally.web;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import tally.counting.Counting;
import tally.counting.NoRoom;
import tally.counting.PageName;
import tally.counting.PageVisits;
import tally.counting.Stats;
import tally.counting.Visit;
import tally.counting.Visits;
import tally.frame.config.Version;
import tally.frame.http.Answer;
import tally.frame.http.Health;
import tally.frame.http.Problems;
import tally.frame.http.RequestBody;
import tally.frame.metrics.Metrics;
import tally.frame.redis.Cache;
import tally.live.EventStream;

/**
 * Every address that Tally answers to but {@code /static}, and who makes the answer.
 *
 * <p>Here a request is checked at the door: nothing behind it sees a name or an id that is not one.
 */
public final class Routes {

    /** However much there is to do, these are answered: open pages have a bound of their own. */
    public static final Set<String> ALWAYS_ANSWERED = Set.of("/api/events", "/health", "/health/live", "/metrics");

    private static final Pattern REQUEST_ID = Pattern.compile("[\\w.-]{1,128}");
    private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9a-fA-F]{2})");
    private static final Pattern BOT = Pattern.compile("bot|crawl|spider|slurp|preview|facebookexternalhit", Pattern.CASE_INSENSITIVE);

    private final String message;
    private final Counting counting;
    private final Visits visits;
    private final Stats stats;
    private final SessionRoutes sessions;
    private final Cache cache;
    private final EventStream events;
    private final Health health;
    private final Metrics metrics;
    private final HomePage homePage = new HomePage();

    /** {@code message} is what a visitor is welcomed with. */
    public Routes(String message, Counting counting, Visits visits, Stats stats, SessionRoutes sessions, Cache cache,
            EventStream events, Health health, Metrics metrics) {
        this.message = message;
        this.counting = counting;
        this.visits = visits;
        this.stats = stats;
        this.sessions = sessions;
        this.cache = cache;
        this.events = events;
        this.health = health;
        this.metrics = metrics;
    }

    public void install(RoutesConfig routes) {
        routes.before(this::beforeEveryRoute);
        routes.before("/health", this::healthForHead);
        routes.get("/", this::visit);
        routes.get("/api/visits", context -> Answer.json(context, new Total(visits.total())));
        routes.get("/api/visits/{page}", context -> Answer.json(context, new PageVisits(pageName(context), visits.of(pageName(context)))));
        routes.post("/api/visits/{page}", context -> Answer.json(context, new PageVisits(pageName(context), countPage(context))));
        routes.get("/badge/total.svg", context -> badge(context, visits.total()));
        routes.get("/badge/{page}.svg", context -> badge(context, visits.of(pageName(context))));
        routes.get("/api/stats", this::stats);
        sessions.install(routes);
        routes.get("/api/events", events::serve);
        routes.get("/health", this::health);
        routes.get("/metrics", context -> Answer.text(context, Metrics.TYPE, metrics.text()));
        routes.get("/health/live", context -> Answer.json(context, Map.of("status", "up")));
        file(routes, "/openapi.yaml", "application/yaml", "/openapi.yaml");
        file(routes, "/favicon.ico", "image/svg+xml", "/public/icon.svg");
        file(routes, "/robots.txt", "text/plain", "/robots.txt");
        routes.exception(NoRoom.class, (full, context) -> Problems.write(context, HttpStatus.CONFLICT, full.getMessage()));
        Problems.install(routes);
    }

    private static void file(RoutesConfig routes, String path, String type, String resource) {
        try (var file = Routes.class.getResourceAsStream(resource)) {
            var text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            routes.get(path, context -> Answer.text(context.header("Cache-Control", "public, max-age=300"), type, text));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private record Counted(String message, long visits) {}

    private record Total(long visits) {}

    private void visit(Context context) {
        var requestId = requestId(context);
        context.header("Vary", "Accept");
        if (!HomePage.isPreferred(context)) {
            Answer.json(context, new Counted(message, count(requestId, "", "")));
            return;
        }
        var id = "";
        if (!isBot(context)) {
            id = sessions.visit(context, requestId);
        }
        Answer.text(context, "text/html;charset=utf-8", homePage.with(count(requestId, "", id)));
    }

    private long countPage(Context context) {
        return count(requestId(context), pageName(context), sessions.known(context));
    }

    private long count(String requestId, String page, String visitor) {
        return counting.count(new Visit(requestId, page, visitor));
    }

    private static void badge(Context context, long visits) {
        // Javalin takes what can't be decoded as if it were not there.
        if (context.queryString() != null && BROKEN_ESCAPE.matcher(context.queryString()).find()) {
            throw new BadRequestResponse("A % in an address must be followed by two hexadecimal digits");
        }
        var badge = Badge.of(context.queryParam("label"), context.queryParam("color"));
        context.header("Cache-Control", "public, max-age=5");
        if (!isUnchanged(context, visits + "-" + Version.NUMBER)) {
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

    /** Runs before every route. It is one handler, since each of them costs every request a search and a task. */
    private void beforeEveryRoute(Context context) {
        // Javalin would take the header's method for the request's own, so that a GET could write.
        if (context.header("X-HTTP-Method-Override") != null) {
            throw new BadRequestResponse("X-HTTP-Method-Override is not supported");
        }
        // Answers are not kept, unless their route says so.
        context.header("Cache-Control", "no-store");
        // From the announcement on, Nginx is asked to leave with each answer, rather than with the next request.
        if (health.isStopping()) {
            context.header("Connection", "close");
        }
        if (!sessions.wantsBody(context)) {
            RequestBody.readOn(context);
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

    private static String pageName(Context context) {
        var name = context.pathParam("page");
        if (!PageName.isOne(name)) {
            throw new BadRequestResponse(PageName.RULE);
        }
        return name;
    }

    private static String requestId(Context context) {
        var id = context.header("X-Request-Id");
        if (id != null && !REQUEST_ID.matcher(id).matches()) {
            throw new BadRequestResponse("X-Request-Id must be 1 to 128 letters, digits, dots, dashes or underscores");
        }
        // So that one whose connection to Redis breaks can be sent again. Unique, not secret.
        return id == null ? newId() : id;
    }

    private static String newId() {
        var random = ThreadLocalRandom.current();
        var hex = HexFormat.of();
        return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
    }
}
