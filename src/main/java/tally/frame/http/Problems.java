package tally.frame.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.javalin.router.EndpointNotFound;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import tally.frame.redis.RedisFailure;
import tally.frame.redis.Unavailable;

/**
 * Every error as a problem document (RFC 9457, {@code application/problem+json}), but where the address has a form of
 * its own. None repeats what the client sent.
 *
 * <p>What can't be written or read now is a 503 with {@code Retry-After}; a 500 is a mistake of ours, and logged.
 */
public final class Problems {

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Problem(
            String type, String title, int status, @Nullable String detail) {}

    private static final Logger LOG = LoggerFactory.getLogger("tally.problems");
    private static final MistakeLog MISTAKES = new MistakeLog(LOG);

    private final ErrorForm ownForm;

    public Problems(ErrorForm ownForm) {
        this.ownForm = ownForm;
    }

    public void install(RoutesConfig routes) {
        routes.exception(JedisException.class, (away, context) -> {
            LOG.debug("Redis failed", away);
            unavailable(context, RedisFailure.inWords(away));
        });
        routes.exception(Unavailable.class, (full, context) -> unavailable(context, full.getMessage()));
        routes.exception(HttpResponseException.class, (refused, context) -> {
            var status = HttpStatus.forStatus(refused.getStatus());
            var detail = switch (status) {
                case NOT_FOUND ->
                    refused instanceof EndpointNotFound ? "There is nothing at this address" : refused.getMessage();
                case METHOD_NOT_ALLOWED -> {
                    var allowed = String.join(", ", refused.getDetails().values());
                    context.header("Allow", allowed);
                    yield "This address answers to " + allowed;
                }
                // Javalin's own, which says no more than the title; ours name the limit.
                case CONTENT_TOO_LARGE ->
                    status.getMessage().equals(refused.getMessage())
                            ? "The body is larger than http.max-body allows"
                            : refused.getMessage();
                default -> refused.getMessage();
            };
            write(context, status, detail);
        });
        routes.exception(Exception.class, (mistake, context) -> {
            MISTAKES.log("%s %s failed".formatted(context.method(), context.path()), mistake);
            write(context, HttpStatus.INTERNAL_SERVER_ERROR, "The mistake is ours, and in the log");
        });
    }

    /** For what Jetty refuses before any route is asked: a malformed request line, headers that are too large. */
    boolean refusedByJetty(Request request, Response response, Callback callback) {
        if (response.getStatus() == 503) {
            // While it stops, the server refuses what still comes in with 503. As 502 Nginx takes it to another
            // replica.
            send(request, response, callback, 502, "This replica is stopping");
        } else {
            // A version or an encoding that nobody speaks is the client's mistake, not the server's.
            int status = response.getStatus() == 501 || response.getStatus() == 505 ? 400 : response.getStatus();
            send(request, response, callback, status, "The request is malformed or too large");
        }
        return true;
    }

    /** Refuses a request that no route has seen yet; what there is of its body is read, so that the answer arrives. */
    void refuse(Request request, Response response, Callback callback, int status, String detail) {
        if (request.getLength() > 0 && request.getLength() <= RequestBody.READ_ON) {
            Content.Source.consumeAll(
                    request, Callback.from(() -> send(request, response, callback, status, detail), callback::failed));
        } else {
            send(request, response, callback, status, detail);
        }
    }

    private void send(Request request, Response response, Callback callback, int status, String detail) {
        var body = body(
                request.getHttpURI().getPath(), request.getHttpURI().getQuery(), HttpStatus.forStatus(status), detail);
        response.setStatus(status);
        response.getHeaders().put("Content-Type", body.type()).put("Cache-Control", "no-store");
        if (status >= 500) {
            response.getHeaders().put("Retry-After", "1");
        }
        Content.Sink.write(response, true, body.text(), callback);
    }

    private void unavailable(Context context, @Nullable String detail) {
        context.header("Retry-After", "1");
        write(context, HttpStatus.SERVICE_UNAVAILABLE, detail);
    }

    /** Answers with an error of this status; {@code detail} is a sentence for the client. */
    public void write(Context context, HttpStatus status, @Nullable String detail) {
        RequestBody.readOn(context);
        context.status(status).header("Cache-Control", "no-store");
        var body = body(context.path(), context.queryString(), status, detail);
        Answer.text(context, body.type(), body.text());
    }

    private ErrorForm.Body body(
            @Nullable String path, @Nullable String query, HttpStatus status, @Nullable String detail) {
        return ownForm.of(path, query, status.getCode(), detail)
                .orElseGet(() -> new ErrorForm.Body(
                        "application/problem+json",
                        Answer.asJson(new Problem("about:blank", status.getMessage(), status.getCode(), detail))));
    }
}
