package tally.web;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.ForbiddenResponse;
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
import tally.counting.Caller;
import tally.counting.Counting;
import tally.counting.CountingSettings;
import tally.counting.NoRoom;
import tally.counting.Numbers;
import tally.counting.PageName;
import tally.counting.PageVisits;
import tally.counting.Stats;
import tally.counting.TooManyNames;
import tally.counting.Visit;
import tally.counting.Visits;
import tally.frame.http.Answer;
import tally.frame.http.ErrorForm;
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

    /** At the addresses of badges. */
    public static final ErrorForm ERRORS = BadgeRoutes::error;

    private static final String HTML = "text/html;charset=utf-8";
    private static final Pattern REQUEST_ID = Pattern.compile("[\\w.-]{1,128}");

    private final String message;
    private final Counting counting;
    private final CountingSettings counted;
    private final Callers callers;
    private final CrossOrigin crossOrigin;
    private final Visits visits;
    private final Stats stats;
    private final SessionRoutes sessions;
    private final Cache cache;
    private final EventStream events;
    private final Health health;
    private final Metrics metrics;
    private final Problems problems;
    private final HomePage homePage = new HomePage();

    /** {@code message} is what a visitor is welcomed with. */
    public Routes(
            String message,
            Counting counting,
            CountingSettings counted,
            Visits visits,
            Stats stats,
            SessionRoutes sessions,
            Cache cache,
            EventStream events,
            Health health,
            Metrics metrics,
            Problems problems) {
        this.message = message;
        this.counting = counting;
        this.counted = counted;
        callers = new Callers(counted.bots());
        crossOrigin = new CrossOrigin(counted.sites());
        this.visits = visits;
        this.stats = stats;
        this.sessions = sessions;
        this.cache = cache;
        this.events = events;
        this.health = health;
        this.metrics = metrics;
        this.problems = problems;
    }

    public void install(RoutesConfig routes) {
        routes.before(this::beforeEveryRoute);
        routes.before("/health", this::healthForHead);
        routes.get("/", this::visit);
        routes.get("/api/visits", context -> Answer.json(context, new Total(visits.total())));
        routes.get("/api/visits/<page>", this::read);
        routes.post("/api/visits/<page>", this::countPage);
        routes.get("/count/<page>", this::countForScript);
        routes.post("/count/<page>", this::countForScript);
        routes.get("/api/visitors", context -> visitors(context, ""));
        routes.get(
                "/api/visitors/<site>", context -> visitors(context, AddressedName.of(context, "/api/visitors/", "")));
        new BadgeRoutes(visits, stats, (context, page) -> count(context, page).visits(), callers::isCounted)
                .install(routes);
        routes.get("/api/stats", this::stats);
        sessions.install(routes);
        routes.get("/api/events", events::serve);
        routes.get("/health", this::health);
        routes.get("/metrics", context -> Answer.text(context, Metrics.TYPE, metrics.text()));
        routes.get("/health/live", context -> Answer.json(context, Map.of("status", "up")));
        file(routes, "/count.js", "text/javascript", "/public/count.js", 3600);
        file(routes, "/openapi.yaml", "application/yaml", "/openapi.yaml", 300);
        file(routes, "/favicon.ico", "image/svg+xml", "/public/icon.svg", 300);
        file(routes, "/robots.txt", "text/plain", "/robots.txt", 300);
        routes.exception(
                TooManyNames.class,
                (many, context) -> problems.write(
                        context.header("Retry-After", "3600"), HttpStatus.TOO_MANY_REQUESTS, many.getMessage()));
        routes.exception(
                NoRoom.class, (full, context) -> problems.write(context, HttpStatus.CONFLICT, full.getMessage()));
    }

    private static void file(RoutesConfig routes, String path, String type, String resource, int seconds) {
        try (var file = Routes.class.getResourceAsStream(resource)) {
            var text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            routes.get(
                    path,
                    context -> Answer.text(context.header("Cache-Control", "public, max-age=" + seconds), type, text));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private record Counted(String message, long visits) {}

    /** Of a page of a site: its own number, that of all pages of the site, and that of all. */
    private record PageOfSite(String page, long visits, long site, long total) {}

    private record Total(long visits) {}

    private void visit(Context context) {
        var requestId = requestId(context);
        context.res().addHeader("Vary", "Accept");
        if (!HomePage.isPreferred(context)) {
            Answer.json(
                    context,
                    new Counted(
                            message,
                            counting.count(new Visit(requestId, "", Caller.NOBODY))
                                    .visits()));
            return;
        }
        if (!callers.isCounted(context)) {
            Answer.text(context, HTML, homePage.with(visits.total()));
            return;
        }
        if (!callers.isBot(context)) {
            sessions.visit(context, requestId);
        }
        var numbers = counting.count(new Visit(requestId, "", callers.of(context)));
        Answer.text(context, HTML, homePage.with(numbers.visits()));
    }

    private void read(Context context) {
        var page = AddressedName.of(context, "/api/visits/", "");
        Answer.json(context, new PageVisits(page, visits.of(page)));
    }

    /** Who asks for this by name means it: whoever it is, it is counted. */
    private void countPage(Context context) {
        var page = AddressedName.of(context, "/api/visits/", "");
        var numbers = count(context, page);
        if (PageName.siteOf(page).isEmpty()) {
            Answer.json(context, new PageVisits(page, numbers.visits()));
        } else {
            Answer.json(context, new PageOfSite(page, numbers.visits(), numbers.site(), numbers.total()));
        }
    }

    /** For count.js, which any browser runs: bots are told the numbers, and not counted. A GET counts nobody. */
    private void countForScript(Context context) {
        var page = AddressedName.of(context, "/count/", "");
        var site = PageName.siteOf(page);
        var numbers = context.method().equals(HandlerType.POST) && callers.isCounted(context)
                ? count(context, page)
                : new Numbers(visits.of(page), site.isEmpty() ? 0 : visits.of(site), visits.total());
        Answer.json(context, new PageOfSite(page, numbers.visits(), numbers.site(), numbers.total()));
    }

    private Numbers count(Context context, String page) {
        if (!counted.allow(page)) {
            throw new ForbiddenResponse("This page is of a site that is not counted here (counting.sites)");
        }
        return counting.count(new Visit(visitId(context), page, callers.of(context)));
    }

    /**
     * A page that gets no answer asks once more in another way. Nginx takes that for another request, so it has an id.
     */
    private static String visitId(Context context) {
        var id = context.queryParam("id");
        return id == null ? requestId(context) : "page-" + checked("id", id);
    }

    private void visitors(Context context, String site) {
        if (!PageName.siteOf(site).isEmpty()) {
            throw new BadRequestResponse("Visitors are known of a site, not of a page");
        }
        var visitors = cache.get("visitors:" + site, () -> stats.visitors(site));
        context.header("Cache-Control", "public, max-age=5");
        Answer.text(context, "application/json", visitors.json());
    }

    private void stats(Context context) {
        var cached = cache.get("stats", stats::read);
        context.header("X-Cache", cached.state().name())
                .header("Cache-Control", "public, max-age=1, stale-while-revalidate=5");
        Answer.unlessKnown(context, "application/json", cached.json());
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
        crossOrigin.allow(context);
        if (crossOrigin.answersPreflight(context)) {
            context.skipRemainingHandlers();
            return;
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
        if (context.method().equals(HandlerType.HEAD)) {
            health(context);
            context.skipRemainingHandlers();
        }
    }

    private static String requestId(Context context) {
        var id = context.header("X-Request-Id");
        // So that one whose connection to Redis breaks can be sent again. Unique, not secret.
        return id == null ? newId() : checked("X-Request-Id", id);
    }

    private static String checked(String what, String id) {
        if (!REQUEST_ID.matcher(id).matches()) {
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
