package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ProblemsTest {

    private static Service service;

    @BeforeAll
    static void start() {
        service = Service.start();
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @Test
    void anUnknownAddressIs404AndIsNotRepeated() {
        var answer = service.get("/%3Cscript%3E", "Accept", "text/html");
        assertProblem(answer, 404);
        assertThat(answer.body()).doesNotContain("script");
    }

    @Test
    void aWrongMethodIs405AndSaysWhichAreAllowed() {
        var answer = service.send("DELETE", "/api/visits", "");
        assertProblem(answer, 405);
        assertThat(answer.header("Allow")).isEqualTo("GET");
    }

    @Test
    void aMethodOverrideIsRefused() {
        assertProblem(service.get("/api/visits", "X-HTTP-Method-Override", "DELETE"), 400);
    }

    @Test
    void aMalformedRequestIdIsRefused() {
        assertProblem(service.get("/", "X-Request-Id", "a b"), 400);
        assertProblem(service.get("/", "X-Request-Id", "a".repeat(129)), 400);
    }

    @Test
    void whatJettyRefusesItselfIsAProblemToo() throws IOException {
        try (var socket = new Socket("127.0.0.1", service.address("/").getPort())) {
            socket.getOutputStream().write("GET /a%00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 400 ").contains("application/problem+json").contains("\"status\":400");
        }
    }

    private static void assertProblem(Service.Answer answer, int status) {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
        assertThat(answer.json().required("status").asInt()).isEqualTo(status);
        assertThat(answer.json().required("title").asText()).isNotEmpty();
        assertThat(answer.json().required("detail").asText()).isNotEmpty();
    }
}
