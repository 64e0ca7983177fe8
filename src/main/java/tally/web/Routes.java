package tally.web;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.ForbiddenResponse;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
import tally.frame.http.Problems;
import tally.frame.http.RequestId;
import tally.frame.http.StandardRoutes;
import tally.frame.redis.Cache;
import tally.live.EventStream;

/**
 * Every address of the counter, and who makes the answer.
 *
 * <p>Here a request is checked at the door: nothing behind it sees a name or an id that is not one.
 */
public final class Routes {

    /** However much there is to do, these are answered: open pages have a bound of their own. */
    public static final Set<String> ALWAYS_ANSWERED = Stream.concat(
                    Stream.of("/api/events"), StandardRoutes.ALWAYS_ANSWERED.stream())
            .collect(Collectors.toUnmodifiableSet());

    /** At the addresses of badges. */
    public static final ErrorForm ERRORS = BadgeRoutes::error;

    private static final String HTML = "text/html;charset=utf-8";

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
            EventStream events) {
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
    }

    public void install(RoutesConfig routes, Problems problems) {
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
        StandardRoutes.file(routes, "/count.js", "text/javascript", "/public/count.js", 3600);
        routes.exception(
                TooManyNames.class,
                (many, context) -> problems.write(
                        context.header("Retry-After", "3600"), HttpStatus.TOO_MANY_REQUESTS, many.getMessage()));
        routes.exception(
                NoRoom.class, (full, context) -> problems.write(context, HttpStatus.CONFLICT, full.getMessage()));
    }

    /** Lets pages of other sites read the answer; true where a request only asks whether they may. */
    public boolean isAnswered(Context context) {
        crossOrigin.allow(context);
        return crossOrigin.answersPreflight(context);
    }

    private record Counted(String message, long visits) {}

    /** Of a page of a site: its own number, that of all pages of the site, and that of all. */
    private record PageOfSite(String page, long visits, long site, long total) {}

    private record Total(long visits) {}

    private void visit(Context context) {
        var requestId = RequestId.of(context);
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
        return id == null ? RequestId.of(context) : "page-" + RequestId.checked("id", id);
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
}
