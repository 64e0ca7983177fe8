package tally.frame.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tally.frame.metrics.Metrics;

/** The addresses that any service answers to, and what is done before each route. {@code /static} is WebServer's. */
public final class StandardRoutes {

    /** Whoever asks how the service is gets an answer, however much there is to do. */
    public static final Set<String> ALWAYS_ANSWERED = Set.of("/health", "/health/live", "/metrics");

    private final Health health;
    private final Metrics metrics;
    private final Predicate<Context> isAnswered;
    private final Predicate<Context> wantsBody;

    /**
     * {@code isAnswered} looks at a request before its route does, and says whether that was the answer;
     * {@code wantsBody} says whether a route reads the body of a request. Any other body is read on.
     */
    public StandardRoutes(Health health, Metrics metrics, Predicate<Context> isAnswered, Predicate<Context> wantsBody) {
        this.health = health;
        this.metrics = metrics;
        this.isAnswered = isAnswered;
        this.wantsBody = wantsBody;
    }

    public void install(RoutesConfig routes) {
        routes.before(this::beforeEveryRoute);
        routes.before("/health", this::healthForHead);
        routes.get("/health", this::health);
        routes.get("/health/live", context -> Answer.json(context, Map.of("status", "up")));
        routes.get("/metrics", context -> Answer.text(context, Metrics.TYPE, metrics.text()));
        file(routes, "/openapi.yaml", "application/yaml", "/openapi.yaml", 300);
        file(routes, "/favicon.ico", "image/svg+xml", "/public/icon.svg", 300);
        file(routes, "/robots.txt", "text/plain", "/robots.txt", 300);
    }

    /** Serves a resource, which browsers may keep for so many seconds. */
    public static void file(RoutesConfig routes, String path, String type, String resource, int seconds) {
        try (var file = StandardRoutes.class.getResourceAsStream(resource)) {
            var text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            routes.get(
                    path,
                    context -> Answer.text(context.header("Cache-Control", "public, max-age=" + seconds), type, text));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
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
        if (isAnswered.test(context)) {
            context.skipRemainingHandlers();
            return;
        }
        // Answers are not kept, unless their route says so.
        context.header("Cache-Control", "no-store");
        // From the announcement on, Nginx is asked to leave with each answer, rather than with the next request.
        if (health.isStopping()) {
            context.header("Connection", "close");
        }
        if (!wantsBody.test(context)) {
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
}
