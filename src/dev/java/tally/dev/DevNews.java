package tally.dev;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Tells every open page what {@link Reload} found in the sources: the script {@code /dev/reload.js} hears it on
 * {@code /dev/events}.
 *
 * <p>What is told is always the whole state, so that a page which was not connected for a moment has missed nothing.
 * Thread-safe.
 */
final class DevNews {

    /**
     * Marks of the style sheet and of the page's other files, and what is wrong with the sources, empty for nothing.
     */
    record State(int style, int page, String problem) {}

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private final Path script;
    private State state = new State(0, 0, "");

    DevNews(Path script) {
        this.script = script;
    }

    synchronized void tell(State news) {
        state = news;
        notifyAll();
    }

    synchronized String problem() {
        return state.problem;
    }

    /**
     * Waits for another state than that which was told, but no longer than until a sign of life is due; null is the
     * end.
     */
    private synchronized @Nullable State after(@Nullable State told, Teller teller) throws InterruptedException {
        long end = System.nanoTime() + HEARTBEAT.toNanos();
        for (long left = HEARTBEAT.toMillis(); left > 0 && state.equals(told) && !teller.letGo; ) {
            wait(left);
            left = Duration.ofNanos(end - System.nanoTime()).toMillis();
        }
        return teller.letGo ? null : state;
    }

    /**
     * Answers in front of one instance of the service, until that is to stop; made before its handler, since that logs.
     */
    final class Teller implements Supplier<Handler.Singleton> {
        private boolean letGo;

        @Override
        public Handler.Singleton get() {
            return new Handler.Wrapper() {
                @Override
                public boolean handle(Request request, Response response, Callback callback) throws Exception {
                    return tells(request, response, callback) || super.handle(request, response, callback);
                }
            };
        }

        /** Before the service stops, which would else wait for these answers to end. */
        void letGo() {
            synchronized (DevNews.this) {
                letGo = true;
                DevNews.this.notifyAll();
            }
        }

        private boolean tells(Request request, Response response, Callback callback) throws InterruptedException {
            switch (Request.getPathInContext(request)) {
                case "/dev/reload.js" ->
                    answer(
                            response,
                            callback,
                            "text/javascript; charset=utf-8",
                            out -> out.write(Files.readAllBytes(script)));
                case "/dev/events" -> answer(response, callback, "text/event-stream", this::tellAll);
                default -> {
                    return false;
                }
            }
            return true;
        }

        private void tellAll(OutputStream out) throws IOException, InterruptedException {
            out.write("retry: 200\n\n".getBytes(StandardCharsets.UTF_8));
            State told = null;
            for (var next = after(told, this); next != null; next = after(told, this)) {
                var event = next.equals(told) ? ":\n\n" : "data: " + JSON.writeValueAsString(next) + "\n\n";
                out.write(event.getBytes(StandardCharsets.UTF_8));
                told = next;
            }
        }
    }

    private interface Body {
        void writeTo(OutputStream out) throws IOException, InterruptedException;
    }

    private static void answer(Response response, Callback callback, String type, Body body)
            throws InterruptedException {
        response.getHeaders()
                .put(HttpHeader.CONTENT_TYPE, type)
                .put(HttpHeader.CACHE_CONTROL, "no-store")
                .put("X-Accel-Buffering", "no");
        try (var out = Content.Sink.asOutputStream(response)) {
            body.writeTo(out);
        } catch (IOException left) {
            callback.failed(left);
            return;
        }
        callback.succeeded();
    }
}
