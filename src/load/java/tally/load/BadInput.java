package tally.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Requests that nobody should send: {@code BadInput HOST PORT REQUESTS SEED} sends so many, each made of parts that are
 * malformed, hostile or too large, over a connection of its own.
 *
 * <p>Each carries a marker wherever it can. Exits with 1, and shows the request, where an answer is a 5xx, holds the
 * marker, or tells of code. One that is cut off, while it is still being sent or because it never ends, has no status.
 */
public final class BadInput {

    private static final String MARK = "mArKeR";
    private static final int CONNECTIONS = 32;

    private static final List<String> METHODS = List.of(
            "GET",
            "GET",
            "POST",
            "PUT",
            "DELETE",
            "HEAD",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "PATCH",
            "get",
            "G\u0000T",
            MARK,
            "PROPFIND",
            "",
            "GET GET",
            "A".repeat(3000));
    private static final List<String> PATHS = List.of(
            "/",
            // counter:begin paths
            "/api/visits",
            "/api/visits/%1B" + MARK,
            "/api/visits/%3Cscript%3E%07" + MARK,
            "/api/visits/..",
            "/api/visits/%2e%2e%2f",
            "/api/visits/%00" + MARK,
            "/api/visits/%ff%fe",
            "/api/visits/%zz",
            "/api/visits/" + "a".repeat(257),
            "/badge/" + MARK + "<.svg",
            "/badge/a.svg?label=%3Cscript%3E&color=javascript:" + MARK,
            "/api/session",
            "/api/session/" + MARK,
            "/api/stats?" + "x=" + "y".repeat(500),
            "/api/visits/total",
            // counter:end
            "/../../etc/passwd",
            "/%00",
            "//" + MARK + ".example/",
            "/" + "a".repeat(9000),
            "/metrics",
            "/metrics/",
            "/%6detrics",
            "/metrics;" + MARK,
            "/static/../app.conf",
            "/static/%2e%2e/app.conf",
            "/static/..%2f..%2fetc/passwd",
            "http://" + MARK + ".example/",
            "*",
            MARK,
            "/?" + MARK + "=%",
            "/;" + MARK,
            "/\\..\\",
            "/nginx/status",
            "/health/" + MARK,
            "/openapi.yaml/../..");
    private static final List<String> VERSIONS = List.of(
            "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "http/1.1", "HTTP/1.1.1", "", MARK);
    private static final List<String> HEADERS = List.of(
            "Host: a",
            "Host: a\r\nHost: " + MARK,
            "Host: " + MARK + "<>",
            "X-Request-Id: " + MARK + " <x>",
            "X-Request-Id: " + "a".repeat(200),
            "X-HTTP-Method-Override: DELETE",
            "X-Forwarded-For: " + MARK,
            "X-Forwarded-For: 1, 2, 3, ::::",
            "X-Forwarded-Proto: " + MARK,
            "Forwarded: for=\"" + MARK,
            "Cookie: tally-session=" + MARK,
            "Cookie: tally-session=" + "0".repeat(32) + "'; drop",
            "Cookie: ;;;=;=\u0001",
            "Cookie: " + "a=b; ".repeat(800),
            "Content-Type: application/json; charset=" + MARK,
            "Content-Type: application/json; charset=GB18030",
            "Content-Type: " + MARK,
            "Accept: " + MARK + ";q=x, text/html;q=99",
            "Accept: */*;q=" + "9".repeat(300),
            "If-None-Match: \"" + MARK,
            "Range: bytes=0-,-1," + MARK,
            "Expect: 100-continue",
            "Expect: " + MARK,
            "Upgrade: websocket\r\nConnection: Upgrade",
            "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: xchunked",
            "Content-Length: 5",
            "Content-Length: -1",
            "Content-Length: 99999999999999999999",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Content-Length: 0x5",
            " folded: " + MARK,
            "no colon " + MARK,
            "X-" + MARK + "\u0000: 1",
            ": " + MARK,
            "X-Long: " + "a".repeat(9000),
            "Last-Event-ID: " + MARK + "\u0007",
            "Accept-Encoding: " + MARK,
            "TE: trailers, " + MARK);
    /**
     * Headers that somebody reads here: Nginx, Jetty, Javalin or Tally. Each gets values made of the pieces of all of
     * them.
     */
    private static final List<String> READ = List.of(
            "Accept",
            "Accept",
            "Accept-Charset",
            "Accept-Encoding",
            "Accept-Language",
            "Access-Control-Request-Headers",
            "Access-Control-Request-Method",
            "Authorization",
            "Cache-Control",
            "Connection",
            "Content-Encoding",
            "Content-Length",
            "Content-Type",
            "Content-Type",
            "Cookie",
            "Cookie",
            "Date",
            "Expect",
            "Forwarded",
            "Host",
            "If-Match",
            "If-Modified-Since",
            "If-None-Match",
            "If-None-Match",
            "If-Range",
            "If-Unmodified-Since",
            "Keep-Alive",
            "Last-Event-ID",
            "Max-Forwards",
            "Origin",
            "Pragma",
            "Prefer",
            "Proxy-Authorization",
            "Purpose",
            "Range",
            "Referer",
            "Sec-Fetch-Site",
            "Sec-Purpose",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "User-Agent",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Real-IP",
            "X-Request-Id");

    private static final List<String> PIECES = List.of(
            "text/html",
            "application/json",
            "*/*",
            "q=",
            "0.5",
            "1e9",
            "-1",
            "charset=",
            "utf-8",
            "UTF-32",
            "bytes=",
            "0-",
            "-",
            "tally-session",
            "0".repeat(32),
            "W/",
            "gzip",
            "close",
            "Basic ",
            "http://",
            "[::1]",
            ":",
            "://",
            "@",
            "%00",
            "%zz",
            "%",
            ";",
            ";",
            ",",
            ",",
            "=",
            "\"",
            "\"",
            "\\",
            "'",
            "<",
            ">",
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "?",
            "/",
            " ",
            "\t",
            "\u0001",
            "\u007f",
            "\u0080",
            "\u00c0\u00af",
            "\u00ed\u00a0\u0080",
            "\u00f0\u009f\u0098\u0080",
            "\u00ff\u00fe",
            "$Version",
            "$Path",
            "deflate;q",
            "trailers",
            "9".repeat(25),
            MARK);
    private static final List<String> BODIES = List.of(
            "",
            "",
            "{}",
            "{\"a\":",
            "[1]",
            "{\"" + MARK + "\":{}}",
            "{\"a\":\"" + "x".repeat(2000) + "\"}",
            "[".repeat(5000),
            "5\r\nhello\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFF\r\n",
            "-1\r\n\r\n",
            "0\r\n\r\nGET /" + MARK + " HTTP/1.1\r\nHost: a\r\n\r\n",
            "\u0000\u0001\u00ff",
            "x".repeat(70_000),
            "x".repeat(900),
            "{\"a\":\"b\"}",
            "{\"a\":\"\u00c0\u00af\"}",
            "{\"a\":\"\\ud800\"}",
            "\u00ff\u00fe{\u0000}\u0000",
            "{\"a\":1e999999999}");
    /** What would tell of the inside: the name of an exception, a line of a stack trace, a page of a server's own. */
    private static final List<String> INSIDE = List.of("Exception", "\tat ", "jetty", "java.", "javalin", "<center>");

    private final InetSocketAddress address;
    private final Map<String, AtomicInteger> statuses = new ConcurrentHashMap<>();
    private final ConcurrentSkipListSet<String> wrong = new ConcurrentSkipListSet<>();

    private BadInput(InetSocketAddress address) {
        this.address = address;
    }

    static void main(String[] arguments) {
        int requests = Integer.parseInt(arguments[2]);
        var badInput = send(
                new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])),
                requests,
                Long.parseLong(arguments[3]));
        System.out.println(requests + " requests, answers by status: " + new TreeMap<>(badInput.statuses));
        badInput.wrong().stream().limit(5).forEach(System.out::println);
        System.exit(badInput.wrong.isEmpty() ? 0 : 1);
    }

    public static BadInput send(InetSocketAddress address, int requests, long seed) {
        var badInput = new BadInput(address);
        var left = new AtomicLong(requests);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CONNECTIONS; i++) {
                threads.execute(() -> {
                    for (long number = left.getAndDecrement(); number > 0; number = left.getAndDecrement()) {
                        badInput.send(request(new Random(seed + number)));
                    }
                });
            }
        }
        return badInput;
    }

    /** What was sent and answered, where the answer should not have been given. */
    public Collection<String> wrong() {
        return wrong;
    }

    /** How many answers there were of each status. */
    public Map<String, AtomicInteger> statuses() {
        return statuses;
    }

    private static String request(Random random) {
        var text = new StringBuilder(pick(METHODS, random))
                .append(' ')
                .append(pick(PATHS, random))
                .append(' ')
                .append(pick(VERSIONS, random))
                .append("\r\n");
        // An address of its own, so that the rate limit lets it in where this client is a trusted proxy.
        text.append("X-Forwarded-For: 10.")
                .append(random.nextInt(256))
                .append('.')
                .append(random.nextInt(256))
                .append('.')
                .append(random.nextInt(256))
                .append("\r\n");
        text.append(random.nextInt(10) > 0 ? "Host: a\r\n" : "");
        for (int i = random.nextInt(4); i > 0; i--) {
            text.append(random.nextBoolean() ? pick(HEADERS, random) : header(random))
                    .append("\r\n");
        }
        return text.append("Connection: close\r\n\r\n")
                .append(pick(BODIES, random))
                .toString();
    }

    private static String header(Random random) {
        return pick(READ, random) + ": "
                + IntStream.range(0, random.nextInt(12))
                        .mapToObj(any -> pick(PIECES, random))
                        .collect(Collectors.joining());
    }

    private static String pick(List<String> choice, Random random) {
        return choice.get(random.nextInt(choice.size()));
    }

    private void send(String request) {
        var answer = "";
        try (var socket = new Socket()) {
            socket.setSoTimeout(1000);
            socket.connect(address, 5000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.shutdownOutput();
            answer = new String(socket.getInputStream().readNBytes(20_000), StandardCharsets.ISO_8859_1);
        } catch (SocketTimeoutException silent) {
            answer = "silent";
        } catch (IOException reset) {
            answer = "reset";
        }
        var status = answer.startsWith("HTTP/1.")
                ? answer.substring(9, 12)
                : answer.length() < 10 ? "none" + answer : "other";
        statuses.computeIfAbsent(status, any -> new AtomicInteger()).incrementAndGet();
        if (status.startsWith("5")
                || answer.contains(MARK)
                || (INSIDE.stream().anyMatch(answer::contains) && !answer.contains("tally_http"))) {
            wrong.add("--- sent:\n" + shortened(request) + "\n--- answered:\n" + shortened(answer));
        }
    }

    private static String shortened(String text) {
        return text.length() < 700 ? text : text.substring(0, 700) + "...";
    }
}
