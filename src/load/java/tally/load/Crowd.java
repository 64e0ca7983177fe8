package tally.load;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Many clients who hold on to what they have: {@code Crowd KIND PORT CONNECTIONS ADDRESSES BYTES SECONDS} opens so many
 * connections to 127.0.0.1, from so many addresses of 127.0.0.0/8, and keeps them for so long.
 *
 * <p>The kinds: {@code headers} sends so many bytes of headers that never end, {@code lines} as many lines as that
 * takes, and {@code mixed} as many lines as are allowed, and the rest in long ones; {@code bodies} announces a body of
 * so many bytes and sends all but one; {@code pages} opens live pages and listens; {@code unread} asks for the largest
 * answer there is and reads none of it; {@code shut} speaks HTTP/2, asks {@code BYTES} times at once on each
 * connection, and lets nothing be sent. Over TLS where the port ends in 443; {@code shut} always. Prints how each
 * ended. Meant to run in Nginx' own network, where each address is a client.
 */
final class Crowd {

    private static final Semaphore HANDSHAKES = new Semaphore(64);
    private static final SSLContext TLS = trusting();
    private static final byte[] FIRST_ADDRESS = {127, 1, 0, 0};

    private final String kind;
    private final int port;
    private final int addresses;
    private final int bytes;
    private final long end;
    private final Map<String, AtomicInteger> outcomes = new ConcurrentHashMap<>();

    private Crowd(String kind, int port, int addresses, int bytes, Duration time) {
        this.kind = kind;
        this.port = port;
        this.addresses = addresses;
        this.bytes = bytes;
        end = System.nanoTime() + time.toNanos();
    }

    static void main(String[] arguments) throws InterruptedException {
        int connections = Integer.parseInt(arguments[2]);
        var crowd = new Crowd(
                arguments[0],
                Integer.parseInt(arguments[1]),
                Integer.parseInt(arguments[3]),
                Integer.parseInt(arguments[4]),
                Duration.ofSeconds(Long.parseLong(arguments[5])));
        var done = new CountDownLatch(connections);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < connections; i++) {
                int number = i;
                threads.execute(() -> {
                    crowd.come(number);
                    done.countDown();
                });
            }
            done.await();
        }
        System.out.println(new TreeMap<>(crowd.outcomes));
    }

    private void come(int number) {
        String outcome;
        try (var socket = connect(number);
                var spoken = port % 1000 == 443 ? secured(socket) : socket) {
            outcome = switch (kind) {
                case "headers" -> stay(spoken, headers(0));
                case "lines" -> stay(spoken, headers(bytes));
                case "mixed" -> stay(spoken, headers(30));
                case "bodies" ->
                    stay(
                            spoken,
                            request(
                                    "PUT /api/session",
                                    "Content-Type: application/json\r\nContent-Length: " + bytes + "\r\n",
                                    " ".repeat(bytes - 1)));
                case "unread" -> ignore(spoken, request("GET /openapi.yaml", "", ""));
                case "pages" -> listen(spoken);
                case "shut" -> shut(spoken);
                default -> throw new IllegalArgumentException(kind);
            };
        } catch (IOException failed) {
            outcome = "failed: " + failed.getMessage();
        }
        outcomes.computeIfAbsent(outcome, any -> new AtomicInteger()).incrementAndGet();
    }

    private Socket connect(int number) throws IOException {
        var socket = new Socket();
        socket.setReceiveBufferSize(4096);
        var from = FIRST_ADDRESS.clone();
        from[2] = (byte) (number % addresses / 250);
        from[3] = (byte) (1 + number % addresses % 250);
        HANDSHAKES.acquireUninterruptibly();
        try {
            socket.bind(new InetSocketAddress(InetAddress.getByAddress(from), 0));
            socket.connect(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), 10_000);
        } finally {
            HANDSHAKES.release();
        }
        return socket;
    }

    /** So many of the headers are as short as can be. */
    private byte[] headers(int shortOnes) {
        var text = new StringBuilder("GET / HTTP/1.1\r\nHost: localhost\r\n");
        for (int i = 0; text.length() < bytes; i++) {
            text.append(i < shortOnes ? "a:" : "a: " + "a".repeat(900)).append("\r\n");
        }
        return text.substring(0, bytes).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] request(String line, String headers, String body) {
        return (line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Sends, and waits for what it is answered, if anything. */
    private String stay(Socket socket, byte[] sent) throws IOException {
        socket.getOutputStream().write(sent);
        return status(socket);
    }

    private String ignore(Socket socket, byte[] sent) throws IOException {
        socket.getOutputStream().write(sent);
        rest();
        return "held";
    }

    /** A page that was open stays open until it is closed here, or it is lost. */
    private String listen(Socket socket) throws IOException {
        socket.getOutputStream().write(request("GET /api/events", "", ""));
        var status = status(socket);
        if (!status.equals("200")) {
            return status;
        }
        var in = socket.getInputStream();
        var part = new byte[1024];
        while (left() > 0) {
            socket.setSoTimeout((int) Math.max(1, left()));
            try {
                if (in.read(part) < 0) {
                    return "lost";
                }
            } catch (SocketTimeoutException over) {
                return "200";
            }
        }
        return "200";
    }

    private String status(Socket socket) throws IOException {
        socket.setSoTimeout((int) Math.max(1, left()));
        try {
            var head = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            return head.length() < 12 ? "closed" : head.substring(9);
        } catch (SocketTimeoutException over) {
            return "no answer";
        }
    }

    private Socket secured(Socket plain) throws IOException {
        var socket = (SSLSocket) TLS.getSocketFactory().createSocket(plain, "localhost", port, true);
        var parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {kind.equals("shut") ? "h2" : "http/1.1"});
        socket.setSSLParameters(parameters);
        socket.setSoTimeout(20_000);
        HANDSHAKES.acquireUninterruptibly();
        try {
            socket.startHandshake();
        } finally {
            HANDSHAKES.release();
        }
        return socket;
    }

    private String shut(Socket socket) throws IOException {
        var frames = new ByteArrayOutputStream();
        frames.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        // SETTINGS: a window of 0 for each stream.
        frame(frames, 4, 0, 0, new byte[] {0, 4, 0, 0, 0, 0});
        // GET, https, /static/tally.js, and the authority localhost.
        var path = "/static/tally.js".getBytes(StandardCharsets.US_ASCII);
        var head = new ByteArrayOutputStream();
        head.writeBytes(new byte[] {(byte) 0x82, (byte) 0x87, 0x04, (byte) path.length});
        head.writeBytes(path);
        head.writeBytes(new byte[] {0x01, 9});
        head.writeBytes("localhost".getBytes(StandardCharsets.US_ASCII));
        for (int stream = 0; stream < bytes; stream++) {
            frame(frames, 1, 5, 2 * stream + 1, head.toByteArray());
        }
        socket.getOutputStream().write(frames.toByteArray());
        socket.getOutputStream().flush();
        rest();
        return "held";
    }

    private static void frame(ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload) {
        out.writeBytes(new byte[] {
            (byte) (payload.length >> 16),
            (byte) (payload.length >> 8),
            (byte) payload.length,
            (byte) type,
            (byte) flags,
            (byte) (stream >> 24),
            (byte) (stream >> 16),
            (byte) (stream >> 8),
            (byte) stream
        });
        out.writeBytes(payload);
    }

    private static SSLContext trusting() {
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Anyone()}, null);
            return context;
        } catch (GeneralSecurityException absent) {
            throw new IllegalStateException(absent);
        }
    }

    private long left() {
        return (end - System.nanoTime()) / 1_000_000;
    }

    private void rest() {
        try {
            Thread.sleep(Math.max(0, left()));
        } catch (InterruptedException hurry) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whom it talks to does not matter: nothing is told. */
    private static final class Anyone implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {
            throw new IllegalStateException("There are no clients here");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
