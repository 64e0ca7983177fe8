package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tally.load.BadInput;
import tally.support.TestTally;

/** What no client should send: a 5xx says that the mistake is ours, so none of it may be answered with one. */
class HostileInputTest {

    private static final List<String> ROUTES = List.of(
            "GET /",
            // counter:begin routes
            "GET /api/visits",
            "POST /api/visits/home",
            "GET /api/visits/home",
            "GET /badge/home.svg",
            "GET /api/stats",
            "GET /api/session",
            "PUT /api/session",
            "DELETE /api/session",
            // counter:end
            "GET /health",
            "GET /health/live",
            "GET /openapi.yaml",
            "GET /metrics",
            "GET /favicon.ico",
            "GET /robots.txt",
            "GET /static/icon.svg",
            "GET /no/such",
            "DELETE /health");
    // counter:begin body
    /** A method and an address that take JSON. */
    private static final String[] WITH_BODY = {"PUT", "/api/session"};

    // counter:end
    private static final int BODY = 60_000;
    private static final Pattern STATUS_LINE = Pattern.compile("HTTP/1.1 [234][0-9][0-9]");

    private static TestTally service;

    @BeforeAll
    static void start() {
        service = TestTally.start();
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @Test
    void nothingThatAClientSendsIsAMistakeOfOurs() {
        var badInput = BadInput.send(
                new InetSocketAddress("127.0.0.1", service.address("/").getPort()), 20_000, 1);
        assertThat(badInput.wrong()).isEmpty();
        assertThat(badInput.statuses()).containsKeys("200", "400", "404", "415");
    }

    // counter:begin
    @Test
    void anAcceptThatCantBeReadIsAsNone() {
        for (var accept : List.of("text/html;q=\"", "text/html,\"", "text/html, a;q=\"")) {
            assertThat(service.get("/", "Accept", accept).json().has("visits")).isTrue();
        }
    }
    // counter:end

    @Test
    void aContentTypeThatIsNoneIsRefused() {
        for (var type : List.of(";", ";;", " ; charset=utf-8", ",")) {
            assertThat(service.send(WITH_BODY[0], WITH_BODY[1], "{\"a\":\"b\"}", "Content-Type", type)
                            .status())
                    .isEqualTo(415);
        }
    }

    /** What is left of it in the socket when the connection ends would take the answer with it. */
    @TestFactory
    Stream<DynamicTest> aBodyThatNobodyWantsIsReadBeforeTheAnswer() {
        return ROUTES.stream()
                .map(route -> dynamicTest(route, () -> {
                    assertThat(answersOverOneConnection(
                                    route,
                                    "Content-Type: text/plain\r\nContent-Length: " + BODY + "\r\n\r\n"
                                            + "x".repeat(BODY)))
                            .as("with a length")
                            .hasSize(2);
                    assertThat(answersOverOneConnection(
                                    route,
                                    "Transfer-Encoding: chunked\r\n\r\n"
                                            + "1000\r\n%s\r\n"
                                                    .formatted("x".repeat(4096))
                                                    .repeat(14) + "0\r\n\r\n"))
                            .as("in chunks")
                            .hasSize(2);
                }));
    }

    /**
     * The answer is held back until the whole body is there, and the connection goes on: the next request is answered,
     * too.
     */
    private static List<String> answersOverOneConnection(String route, String rest) {
        try (var socket = new Socket("127.0.0.1", service.address("/").getPort())) {
            socket.setSoTimeout(10_000);
            var request = route + " HTTP/1.1\r\nHost: a\r\n" + rest
                    + "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return STATUS_LINE
                    .matcher(answers)
                    .results()
                    .map(MatchResult::group)
                    .toList();
        } catch (IOException lost) {
            throw new UncheckedIOException(lost);
        }
    }
}
