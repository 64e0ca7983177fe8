package tally.dev;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.SetParams;
import redis.embedded.core.ExecutableProvider;

/**
 * A real Redis as a child process, for machines without Docker and for tests that have to hurt it: the
 * {@code redis-server} on the PATH, else one that a library brings along (6.2).
 *
 * <p>{@code TALLY_REDIS=bundled} takes the library's in any case. {@link #main} prints the path of the executable, for
 * scripts/run.sh.
 */
public final class LocalRedis implements AutoCloseable {

    private static final Duration START = Duration.ofSeconds(30);
    /** Whoever ends the tests in the middle leaves none behind. */
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    private static final AtomicInteger NEXT_PORT =
            new AtomicInteger((int) ProcessHandle.current().pid() * 64);

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
    }

    private static final Map<Path, Integer> VERSIONS = new ConcurrentHashMap<>();

    private final List<String> command;
    private final int port;
    private Process process;

    static void main() {
        System.out.println(executable());
    }

    /**
     * Starts a Redis on a free port, which keeps its data in the folder, and knows the {@link AppUser} unless an option
     * names a user.
     */
    public LocalRedis(Path folder, String... options) {
        this(executable(), freePort(), folder, options);
    }

    public LocalRedis(Path executable, int port, Path folder, String... options) {
        this.port = port;
        command = new ArrayList<>(List.of(
                executable.toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                folder.toString()));
        command.addAll(List.of(options));
        if (!command.contains("--user")) {
            command.addAll(List.of("--user", AppUser.NAME));
            command.addAll(AppUser.rules(version(executable)));
        }
        start();
    }

    /** The first number of it. */
    public static int version(Path executable) {
        return VERSIONS.computeIfAbsent(executable, any -> {
            try {
                var asked = new ProcessBuilder(executable.toString(), "--version").start();
                if (!asked.waitFor(10, TimeUnit.SECONDS)) {
                    asked.destroyForcibly();
                    throw new IllegalStateException(executable + " did not tell its version");
                }
                var told = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return Integer.valueOf(told.replaceFirst("(?s).*\\bv=(\\d+).*", "$1"));
            } catch (IOException unstartable) {
                throw new UncheckedIOException(unstartable);
            } catch (InterruptedException hurry) {
                throw new IllegalStateException(hurry);
            }
        });
    }

    public int port() {
        return port;
    }

    public void start() {
        try {
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException unstartable) {
            throw new UncheckedIOException(unstartable);
        }
        RUNNING.add(process);
        long end = System.nanoTime() + START.toNanos();
        while (!answers()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                process.destroyForcibly();
                throw new IllegalStateException("Redis did not start: " + String.join(" ", command));
            }
            pause(5);
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    /** As an operator stops it: it saves, then goes. */
    public void stop() {
        signal("TERM");
        await();
    }

    /** As a power cut stops it. */
    public void kill() {
        signal("KILL");
        await();
    }

    /** It keeps its connections and answers none, until {@link #resume}. */
    public void pause() {
        signal("STOP");
    }

    public void resume() {
        signal("CONT");
    }

    /** Writes until the memory is full, keys with that time to live. */
    public void fill(String prefix, Duration timeToLive) {
        try (var jedis = new Jedis("127.0.0.1", port)) {
            var block = "x".repeat(10_000);
            for (int i = 0; evicted() == 0; i++) {
                jedis.set(prefix + i, block, SetParams.setParams().ex(timeToLive.toSeconds()));
            }
        }
    }

    /** It has so many bytes less memory than it uses. */
    public void shrink(long bytes) {
        try (var jedis = new Jedis("127.0.0.1", port)) {
            var used = jedis.info("memory")
                    .lines()
                    .filter(line -> line.startsWith("used_memory:"))
                    .findFirst()
                    .orElseThrow()
                    .substring(12);
            jedis.configSet("maxmemory", Long.toString(Long.parseLong(used) - bytes));
        }
    }

    /** A connection to look behind the service's back. */
    public Jedis connect() {
        return new Jedis("127.0.0.1", port);
    }

    public long evicted() {
        try (var jedis = new Jedis("127.0.0.1", port)) {
            return jedis.info("stats")
                    .lines()
                    .filter(line -> line.startsWith("evicted_keys:"))
                    .mapToLong(line -> Long.parseLong(line.substring(13)))
                    .sum();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        await();
    }

    private void signal(String name) {
        Signals.send(name, process.pid());
    }

    private void await() {
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("Redis did not stop");
            }
            RUNNING.remove(process);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }

    private boolean answers() {
        try (var jedis = new Jedis("127.0.0.1", port)) {
            // Not another process' one.
            return jedis.info("server").contains("process_id:" + process.pid() + "\r\n");
        } catch (JedisDataException refused) {
            // It may ask for a password, or not know INFO by this name.
            return process.isAlive();
        } catch (JedisException notYet) {
            return false;
        }
    }

    /**
     * One that nobody listens on. Below those that the system gives away by itself, and each process begins at another:
     * a free one that a client or another process takes before Redis does makes a test fail, or has two share a Redis. A
     * node of a cluster listens on a second one as well, 10,000 above.
     */
    public static int freePort() {
        for (; ; ) {
            int port = 10_000 + Math.floorMod(NEXT_PORT.getAndIncrement(), 10_000);
            if (isFree(port) && isFree(port + 10_000)) {
                return port;
            }
        }
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }

    public static Path executable() {
        return "bundled".equals(System.getenv("TALLY_REDIS"))
                ? bundled()
                : onPath("redis-server").orElseGet(LocalRedis::bundled);
    }

    public static Optional<Path> onPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    public static Path bundled() {
        return Bundled.EXECUTABLE;
    }

    /** Unpacked once for a process, and left for others: the library removes its own when this process ends. */
    private static final class Bundled {
        private static final Path EXECUTABLE = unpack();

        private static Path unpack() {
            try {
                var unpacked = ExecutableProvider.newJarResourceProvider().get().toPath();
                var folder = Files.createDirectories(Path.of("target/redis")).toAbsolutePath();
                var kept = folder.resolve(unpacked.getFileName());
                if (!Files.exists(kept)) {
                    // In one step, since another process may be at it as well.
                    var copy = Files.copy(
                            unpacked,
                            folder.resolve("copy-" + ProcessHandle.current().pid()),
                            StandardCopyOption.COPY_ATTRIBUTES);
                    Files.move(copy, kept, StandardCopyOption.ATOMIC_MOVE);
                }
                return kept;
            } catch (IOException absent) {
                throw new UncheckedIOException(
                        "No redis-server on the PATH, and none is bundled for this machine", absent);
            }
        }
    }
}
