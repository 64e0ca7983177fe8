package tally.support;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.NotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import tally.Settings;
import tally.dev.AppUser;
import tally.dev.LocalRedis;
import tally.frame.config.ConfigLayers;
import tally.frame.metrics.Metrics;
import tally.frame.redis.RedisClients;

/**
 * The one Redis that the tests share: a container where a Docker Engine answers, else a local process. It says which.
 *
 * <p>{@code TALLY_REDIS=container|path|bundled} insists on one; {@code REDIS_IMAGE} names the container's image.
 */
public final class RealRedis {

    public static final String IMAGE = System.getenv().getOrDefault("REDIS_IMAGE", "redis:8-alpine");

    private static final RealRedis SHARED = new RealRedis();

    private final boolean isContainer;
    private final String host;
    private final int port;

    public static RealRedis shared() {
        return SHARED;
    }

    // Testcontainers stops the container when the tests' process ends.
    @SuppressWarnings("resource")
    private RealRedis() {
        var wanted = System.getenv().getOrDefault("TALLY_REDIS", "");
        isContainer = wanted.equals("container") || (wanted.isEmpty() && canRunContainers());
        if (isContainer) {
            var container = new GenericContainer<>(IMAGE).withExposedPorts(6379);
            container.start();
            host = container.getHost();
            port = container.getFirstMappedPort();
            letAppIn(host, port);
            announce("a container of " + IMAGE);
        } else {
            var local = startLocal();
            host = "127.0.0.1";
            port = local.port();
            announce("the local process " + LocalRedis.executable());
        }
    }

    /** Whether an engine answers and has the image, or gets it at the first try. */
    private static boolean canRunContainers() {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            return false;
        }
        var client = DockerClientFactory.instance().client();
        try {
            return isThere(client) || client.pullImageCmd(IMAGE).start().awaitCompletion(2, TimeUnit.MINUTES);
        } catch (RuntimeException unreachable) {
            System.out.println("An engine answers, but can't get " + IMAGE + " (REDIS_IMAGE names another): "
                    + unreachable.getMessage());
            return false;
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private static boolean isThere(DockerClient client) {
        try {
            client.inspectImageCmd(IMAGE).exec();
            return true;
        } catch (NotFoundException absent) {
            return false;
        }
    }

    private static LocalRedis startLocal() {
        try {
            return new LocalRedis(Files.createDirectories(Path.of("target/redis")), "--save", "");
        } catch (IOException full) {
            throw new UncheckedIOException(full);
        }
    }

    private void announce(String which) {
        System.out.println("The tests use " + which + ", Redis " + version(host, port));
    }

    /** What {@link LocalRedis} does itself. */
    public static void letAppIn(String host, int port) {
        int version = Runtime.Version.parse(version(host, port)).feature();
        try (var jedis = new Jedis(host, port)) {
            jedis.aclSetUser(AppUser.NAME, AppUser.rules(version).toArray(String[]::new));
        }
    }

    public static String version(String host, int port) {
        try (var jedis = new Jedis(host, port)) {
            return jedis.info("server")
                    .lines()
                    .filter(line -> line.startsWith("redis_version:"))
                    .findFirst()
                    .orElseThrow()
                    .substring(14);
        }
    }

    public boolean isContainer() {
        return isContainer;
    }

    public String host() {
        return host;
    }

    public int port() {
        return port;
    }

    /** A connection to look behind the service's back. */
    public Jedis connect() {
        return new Jedis(host, port);
    }

    /** As the service would with these flags. */
    public Settings settings(String... flags) {
        return Settings.of(ConfigLayers.read(List.of(flags), Map.of("REDIS_URL", AppUser.url(host, port)))
                .merged());
    }

    /** The service's own client, on a Redis that holds nothing. */
    public UnifiedJedis openEmpty() {
        empty();
        return RedisClients.open(settings().redis(), new Metrics());
    }

    public void empty() {
        try (var jedis = connect()) {
            jedis.flushAll();
        }
    }
}
