package tally.support;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The wire between the service and Redis, which a test can break: Redis does the command, and the answer is lost. It
 * can also be long.
 *
 * <p>Each end runs in a thread of its own. A command is told by its name, which stands in what was sent.
 */
public final class Wire implements AutoCloseable {

    /**
     * What becomes of an answer: it arrives; it never does, and the connection stays; the connection breaks in its
     * place. Or it is the command that arrives too late, after {@link #LATE}.
     */
    public enum Fault {
        NONE,
        SILENCE,
        CUT,
        LATE
    }

    static final Duration LATE = Duration.ofSeconds(2);

    private final ServerSocket door;
    private final int redisPort;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger broken = new AtomicInteger();
    private volatile String command = "";
    private volatile Fault fault = Fault.NONE;
    private volatile int times;
    private volatile Duration delay = Duration.ZERO;

    public Wire(int redisPort) {
        this.redisPort = redisPort;
        try {
            door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException none) {
            throw new IllegalStateException(none);
        }
        Thread.ofVirtual().start(this::accept);
    }

    public int port() {
        return door.getLocalPort();
    }

    /** From now on, so many answers to that command suffer the fault. */
    public void breakAt(String name, Fault how, int howOften) {
        command = name;
        times = howOften;
        fault = how;
        broken.set(0);
    }

    /** From now on each answer takes so much longer. */
    public void delay(Duration time) {
        delay = time;
    }

    /** How many answers have suffered it. */
    public int broken() {
        return broken.get();
    }

    private void accept() {
        try {
            while (!door.isClosed()) {
                var client = door.accept();
                var redis = new Socket(InetAddress.getLoopbackAddress(), redisPort);
                open.add(client);
                open.add(redis);
                var connection = new Connection(client, redis);
                Thread.ofVirtual().start(connection::passRequests);
                Thread.ofVirtual().start(connection::passAnswers);
            }
        } catch (IOException closed) {
            close();
        }
    }

    /** Ends all connections; new ones can be made. */
    public void cut() {
        open.forEach(Wire::close);
    }

    @Override
    public void close() {
        cut();
        try {
            door.close();
        } catch (IOException already) {
            throw new IllegalStateException(already);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException already) {
            throw new IllegalStateException(already);
        }
    }

    /** One connection of the service's: a request and its answer at a time, as Jedis speaks. */
    private final class Connection {
        private final Socket client;
        private final Socket redis;
        private volatile Fault next = Fault.NONE;

        Connection(Socket client, Socket redis) {
            this.client = client;
            this.redis = redis;
        }

        void passRequests() {
            pass(client, redis, true);
        }

        void passAnswers() {
            pass(redis, client, false);
        }

        private void pass(Socket from, Socket to, boolean isRequest) {
            var part = new byte[65_536];
            try (from;
                    to;
                    InputStream in = from.getInputStream()) {
                for (int length = in.read(part); length > 0; length = in.read(part)) {
                    if (isRequest) {
                        note(new String(part, 0, length, StandardCharsets.ISO_8859_1));
                        Thread.sleep(next == Fault.LATE ? LATE : Duration.ZERO);
                    } else if (next == Fault.CUT) {
                        return;
                    } else if (next == Fault.SILENCE) {
                        continue;
                    } else {
                        Thread.sleep(delay);
                    }
                    to.getOutputStream().write(part, 0, length);
                }
            } catch (IOException gone) {
                open.remove(from);
            } catch (InterruptedException hurry) {
                throw new IllegalStateException(hurry);
            }
        }

        private void note(String request) {
            if (fault != Fault.NONE
                    && broken.get() < times
                    && request.toUpperCase(Locale.ROOT).contains(command)) {
                broken.incrementAndGet();
                next = fault;
            }
        }
    }
}
