package tally;

import io.javalin.http.Context;
import io.javalin.router.Endpoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmGarbageCollectorMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmMemoryMetrics;
import io.prometheus.metrics.instrumentation.jvm.JvmThreadsMetrics;
import io.prometheus.metrics.instrumentation.jvm.ProcessMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.function.DoubleSupplier;

/**
 * What this process did, in numbers for Prometheus. Labels are of bounded sets: routes as they are declared, never paths
 * as they were asked for.
 *
 * <p>Thread-safe.
 */
final class Metrics {

    private static final double[] SECONDS = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2};

    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final PrometheusTextFormatWriter text = PrometheusTextFormatWriter.create();

    private final Histogram requests = histogram("tally_http_request_seconds", "Time to answer a request", SECONDS, "method", "route", "status");
    private final Histogram batches = histogram("tally_batch_visits", "Visits that shared a call to Redis", new double[] {1, 2, 4, 8, 16, 32, 64, 128, 512, 2048});
    private final Histogram redis = histogram("tally_redis_seconds", "Time of a call to Redis, the wait for a connection included", SECONDS);
    private final Counter redisErrors = counter("tally_redis_errors", "Calls to Redis that failed", "kind");
    private final Counter cacheReads = counter("tally_cache_reads", "Reads of the cache", "state");
    private final Counter sessions = counter("tally_sessions_created", "Sessions begun");

    Metrics() {
        JvmMemoryMetrics.builder().register(registry);
        JvmThreadsMetrics.builder().register(registry);
        JvmGarbageCollectorMetrics.builder().register(registry);
        ProcessMetrics.builder().register(registry);
    }

    void request(Context context, float millis) {
        var endpoint = context.endpoints().lastHttpEndpoint();
        var method = METHODS.contains(context.method().name()) ? context.method().name() : "other";
        requests.labelValues(method, route(endpoint), Integer.toString(context.statusCode())).observe(millis / 1000.0);
    }

    void batch(int visits) {
        batches.observe(visits);
    }

    void redisAnswered(long nanos) {
        redis.observe(nanos / 1e9);
    }

    void redisFailed(String kind) {
        redisErrors.labelValues(kind).inc();
    }

    void cacheRead(Cache.State state) {
        cacheReads.labelValues(state.name()).inc();
    }

    void sessionCreated() {
        sessions.inc();
    }

    /** A value that is asked for whenever the metrics are. */
    void gauge(String name, String help, DoubleSupplier value) {
        GaugeWithCallback.builder().name(name).help(help).callback(callback -> callback.call(value.getAsDouble())).register(registry);
    }

    void serve(Context context) {
        var out = new ByteArrayOutputStream();
        try {
            text.write(out, registry.scrape());
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        Answer.text(context, PrometheusTextFormatWriter.CONTENT_TYPE, out.toString(StandardCharsets.UTF_8));
    }

    private static String route(Endpoint endpoint) {
        return endpoint == null || endpoint.path.isEmpty() ? "none" : endpoint.path;
    }

    private Histogram histogram(String name, String help, double[] bounds, String... labels) {
        return Histogram.builder().name(name).help(help).classicOnly().classicUpperBounds(bounds).labelNames(labels).withoutExemplars().register(registry);
    }

    private Counter counter(String name, String help, String... labels) {
        return Counter.builder().name(name).help(help).labelNames(labels).withoutExemplars().register(registry);
    }
}
