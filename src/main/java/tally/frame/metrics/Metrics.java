package tally.frame.metrics;

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
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.DoubleSupplier;

/**
 * What this process did, in numbers for Prometheus. Labels are of bounded sets: routes as they are declared, never
 * paths as they were asked for.
 *
 * <p>Thread-safe.
 */
public final class Metrics {

    private static final double[] SECONDS = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2};

    /** The content type of {@link #text}. */
    public static final String TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();

    private final Histogram requests =
            histogram("tally_http_request_seconds", "Time to answer a request", SECONDS, "method", "route", "status");
    private final Histogram redis =
            histogram("tally_redis_seconds", "Time of a call to Redis, the wait for a connection included", SECONDS);
    private final Counter redisErrors = counter("tally_redis_errors", "Calls to Redis that failed", "kind");

    public Metrics() {
        JvmMemoryMetrics.builder().register(registry);
        JvmThreadsMetrics.builder().register(registry);
        JvmGarbageCollectorMetrics.builder().register(registry);
        ProcessMetrics.builder().register(registry);
    }

    /** {@code route} as it is declared. */
    public void request(String method, String route, int status, double seconds) {
        requests.labelValues(method, route, Integer.toString(status)).observe(seconds);
    }

    public void redisAnswered(long nanos) {
        redis.observe(nanos / 1e9);
    }

    public void redisFailed(String kind) {
        redisErrors.labelValues(kind).inc();
    }

    /** Counts a kind of event. */
    public Runnable events(String name, String help) {
        return counter(name, help)::inc;
    }

    /** Counts events by their state, of which there are few. */
    public Consumer<String> events(String name, String help, String label) {
        var counter = counter(name, help, label);
        return state -> counter.labelValues(state).inc();
    }

    /** How values are spread over these bounds. */
    public DoubleConsumer spread(String name, String help, double... bounds) {
        return histogram(name, help, bounds)::observe;
    }

    /** A value that is asked for whenever the metrics are. */
    public void gauge(String name, String help, DoubleSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call(value.getAsDouble()))
                .register(registry);
    }

    /** All of it, as Prometheus reads it. */
    public String text() {
        var out = new ByteArrayOutputStream();
        try {
            writer.write(out, registry.scrape());
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private Histogram histogram(String name, String help, double[] bounds, String... labels) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .classicOnly()
                .classicUpperBounds(bounds)
                .labelNames(labels)
                .withoutExemplars()
                .register(registry);
    }

    private Counter counter(String name, String help, String... labels) {
        return Counter.builder()
                .name(name)
                .help(help)
                .labelNames(labels)
                .withoutExemplars()
                .register(registry);
    }
}
