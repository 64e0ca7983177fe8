package tally.web;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpStatus;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToLongBiFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tally.counting.PageName;
import tally.counting.Stats;
import tally.counting.Visits;
import tally.frame.http.Answer;
import tally.frame.http.ErrorForm;

/**
 * The badges as HTTP knows them: an image, and the JSON that shields.io reads. Errors are badges as well, since a page
 * shows nothing else in the place of an image; each has the status that it would have anywhere.
 *
 * <p>{@code counting} counts the visit of a page, or one of none if its name is empty, and gives its number;
 * {@code isCounted} says whether a request is a visit at all.
 */
record BadgeRoutes(
        Visits visits, Stats stats, ToLongBiFunction<Context, String> counting, Predicate<Context> isCounted) {

    private static final String BADGES = "/badge/";
    private static final String SVG = ".svg";
    private static final String JSON = ".json";
    private static final Pattern PIXEL = Pattern.compile("(?:^|&)style=pixel(?:&|$)");

    void install(RoutesConfig routes) {
        routes.before(BADGES + "<file>", this::forHead);
        routes.get(BADGES + "<page>" + SVG, context -> show(context, SVG));
        routes.get(BADGES + "<page>" + JSON, context -> show(context, JSON));
        routes.exception(BadgeQuery.Refused.class, (refused, context) -> {
            var body = drawn(context.path(), context.queryString(), refused.words(), refused.getMessage())
                    .orElseThrow();
            context.status(HttpStatus.BAD_REQUEST).header("Cache-Control", "no-store");
            Answer.text(context, body.type(), body.text());
        });
    }

    /** Every other error at a badge's address. A wrong method is none of a page's, and stays a problem document. */
    static Optional<ErrorForm.Body> error(
            @Nullable String path, @Nullable String query, int status, @Nullable String detail) {
        return status == 405 ? Optional.empty() : drawn(path, query, words(status), detail);
    }

    private static String words(int status) {
        return switch (status) {
            case 400, 408, 413, 414, 431 -> "malformed request";
            case 403 -> "not counted here";
            case 404 -> "no such name";
            case 409 -> "no room for more";
            case 429 -> "too many requests";
            case 502, 503, 504 -> "not available now";
            case 500 -> "a mistake of ours";
            default -> "request refused";
        };
    }

    /** Empty where the address is no badge's. */
    private static Optional<ErrorForm.Body> drawn(
            @Nullable String path, @Nullable String query, String words, @Nullable String detail) {
        if (path == null || !path.startsWith(BADGES) || !(path.endsWith(SVG) || path.endsWith(JSON))) {
            return Optional.empty();
        }
        // Where nothing was to be seen an error is not seen, either.
        var style = query != null && PIXEL.matcher(query).find() ? Badge.Style.PIXEL : Badge.Style.FLAT;
        var badge = new Badge(BadgeQuery.LABEL, words, BadgeQuery.RED, style);
        return Optional.of(
                path.endsWith(JSON)
                        ? new ErrorForm.Body("application/json", badge.json(true))
                        : new ErrorForm.Body(
                                "image/svg+xml", badge.svg(BadgeQuery.LABEL + ": " + words + ". " + detail)));
    }

    /** Javalin answers HEAD by itself, without the headers of a badge. */
    private void forHead(Context context) {
        var path = context.path();
        var end = path.endsWith(SVG) ? SVG : JSON;
        if (context.method().equals(HandlerType.HEAD)
                && path.endsWith(end)
                && path.length() > BADGES.length() + end.length()) {
            show(context, end);
            context.skipRemainingHandlers();
        }
    }

    private void show(Context context, String end) {
        var page = page(context, end);
        var query = BadgeQuery.of(context);
        long total = number(context, page, query.counts());
        long today = query.show() == BadgeQuery.Show.TOTAL ? 0 : stats.today(page);
        var badge = query.badge(total, today);
        var type = end.equals(SVG) ? "image/svg+xml" : "application/json";
        var text = end.equals(SVG) ? badge.svg() : badge.json(false);
        if (query.counts()) {
            // Each of them is to come here: proxies of images keep what they may.
            context.header("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
                    .header("Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
            Answer.text(context, type, text);
        } else {
            context.header("Cache-Control", "public, max-age=5");
            Answer.unlessKnown(context, type, text);
        }
    }

    /** Empty for the total. */
    private static String page(Context context, String end) {
        if (context.path().equals(BADGES + "total" + end)) {
            return "";
        }
        try {
            return AddressedName.of(context, BADGES, end);
        } catch (BadRequestResponse none) {
            throw new BadgeQuery.Refused("no such name", PageName.RULE);
        }
    }

    private long number(Context context, String page, boolean counts) {
        if (counts && !context.method().equals(HandlerType.HEAD) && isCounted.test(context)) {
            return counting.applyAsLong(context, page);
        }
        return page.isEmpty() ? visits.total() : visits.of(page);
    }
}
