package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import tally.frame.redis.RedisFailure;
import tally.support.TestTally;

class ProblemsTest {

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
    void anUnknownAddressIs404AndIsNotRepeated() {
        var answer = service.get("/%3Cscript%3E", "Accept", "text/html");
        assertProblem(answer, 404);
        assertThat(answer.body()).doesNotContain("script");
    }

    @Test
    void aWrongMethodIs405AndSaysWhichAreAllowed() {
        var answer = service.send("DELETE", "/health/live", "");
        assertProblem(answer, 405);
        assertThat(answer.header("Allow")).isEqualTo("GET");
    }

    @Test
    void aMethodOverrideIsRefused() {
        assertProblem(service.get("/health/live", "X-HTTP-Method-Override", "DELETE"), 400);
    }

    @Test
    void aMalformedRequestIdIsRefused() {
        assertProblem(service.write("X-Request-Id", "a b"), 400);
        assertProblem(service.write("X-Request-Id", "a".repeat(129)), 400);
    }

    @Test
    void whatJettyRefusesItselfIsAProblemToo() throws IOException {
        try (var socket = new Socket("127.0.0.1", service.address("/").getPort())) {
            socket.getOutputStream()
                    .write("GET /a%00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer)
                    .startsWith("HTTP/1.1 400 ")
                    .contains("application/problem+json")
                    .contains("\"status\":400");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "LOADING Redis is loading the dataset in memory | Redis is reading its data",
                "MISCONF Redis is configured to save RDB snapshots | "
                        + "Redis could not save to disk and refuses to count until it can",
                "OOM command not allowed when used memory > 'maxmemory'. | "
                        + "Redis is full, and nothing in it may be dropped",
                "ERR Error running script: @user_script: OOM command not allowed | "
                        + "Redis is full, and nothing in it may be dropped",
                "READONLY You can't write against a read only replica. | "
                        + "Redis is a replica of another, and takes no writes (READONLY)",
                "NOREPLICAS Not enough good replicas to write. | "
                        + "Redis has fewer replicas than min-replicas-to-write asks for (NOREPLICAS)",
                "BUSY Redis is busy running a script. | Redis is busy with a script that runs too long (BUSY)",
                "NOPERM this user has no permissions | Redis refused: NOPERM this user has no permissions"
            })
    void whatRedisRefusesIsToldInWordsForWhoeverLooksAfterIt(String refusal, String told) {
        assertThat(RedisFailure.inWords(new JedisDataException(refusal))).isEqualTo(told);
        assertThat(RedisFailure.inWords(new JedisDataException(refusal + "\nmore")))
                .isEqualTo(told);
    }

    @Test
    void whyRedisIsAwayIsToldInAWord() {
        assertThat(RedisFailure.inWords(new JedisConnectionException("x", new SocketTimeoutException())))
                .isEqualTo("Redis did not answer in time");
        assertThat(RedisFailure.inWords(new JedisConnectionException("x", new SSLHandshakeException("x"))))
                .isEqualTo("Redis' certificate is not trusted, or not of this host");
        assertThat(RedisFailure.inWords(new JedisConnectionException("x"))).isEqualTo("Redis can't be reached");
        assertThat(RedisFailure.inWords(new JedisException("x"))).isEqualTo("No connection to Redis was free in time");
    }

    /** A version or an encoding that nobody speaks is the client's mistake. */
    @Test
    void whatNobodySpeaksIs400() {
        for (var head : List.of(
                "GET / HTTP/9.9",
                "GET / HTTP/1.1\r\nTransfer-Encoding: none",
                "GET /a%00b HTTP/1.1",
                "GET / HTTP/1.1\r\nHost: b")) {
            var answer = service.raw(head);
            assertThat(answer)
                    .as(head)
                    .startsWith("HTTP/1.1 400 ")
                    .contains("application/problem+json", "\"status\":400", "no-store")
                    .doesNotContain("Retry-After");
        }
        assertThat(service.raw("GET /" + "a".repeat(9000) + " HTTP/1.1"))
                .startsWith("HTTP/1.1 414 ")
                .contains("\"status\":414");
    }

    // counter:begin
    @Test
    void aBodyThatIsTooLargeIsToldWithTheLimit() {
        var answer = service.send(
                "PUT", "/api/session", "{\"a\":\"" + "b".repeat(70_000) + "\"}", "Content-Type", "application/json");
        assertProblem(answer, 413);
        assertThat(answer.json().required("detail").asText()).isEqualTo("The body is larger than http.max-body allows");
    }
    // counter:end

    private static void assertProblem(TestTally.Answer answer, int status) {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
        assertThat(answer.json().required("status").asInt()).isEqualTo(status);
        assertThat(answer.json().required("title").asText()).isNotEmpty();
        assertThat(answer.json().required("detail").asText()).isNotEmpty();
    }
}
