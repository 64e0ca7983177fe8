package tally.entries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tally.dev.LocalRedis;
import tally.support.ApiDocument;
import tally.support.ApiDocument.Operation;
import tally.support.RealRedis;
import tally.support.TestTally;

/**
 * Holds openapi.yaml against the running service. To each operation is done all that can be done to any: every answer
 * must be one that the document describes, and every answer that it describes must have come. Only what is marked
 * {@code x-answered-by: nginx} is left out.
 */
class OpenApiTest {

    private static final String ENTRY = "{\"name\":\"%s\",\"text\":\"%s\"}";
    private static final List<String> IDS =
            List.of("a", "A.b_c-9", "a".repeat(128), "a".repeat(129), "a b", "a,b", "");
    private static final List<String> BODIES = List.of(
            ENTRY.formatted("a", "b"),
            ENTRY.formatted("ä".repeat(32), "😀".repeat(200)),
            ENTRY.formatted("a".repeat(33), "b"),
            ENTRY.formatted("a", "b".repeat(201)),
            ENTRY.formatted("", "b"),
            ENTRY.formatted("a", ""),
            ENTRY.formatted("a\\n", "b"),
            ENTRY.formatted("a", "\\u0085"),
            "{\"name\":\"a\"}",
            "{\"name\":\"a\",\"text\":1}",
            "{\"name\":\"a\",\"text\":\"b\",\"more\":\"c\"}",
            "{}",
            "[]",
            "1");

    private static TestTally service;
    private static TestTally away;
    private static ApiDocument document;

    @BeforeAll
    static void start() throws JsonProcessingException {
        RealRedis.shared().empty();
        service = TestTally.start();
        away = TestTally.start("127.0.0.1", LocalRedis.freePort());
        document = new ApiDocument(service);
    }

    @AfterAll
    static void stop() {
        service.close();
        away.close();
    }

    @Test
    void everyRouteIsDescribedAndTheOtherWayRound() {
        assertThat(document.operations().map(Operation::name))
                .containsExactlyInAnyOrderElementsOf(service.routes());
    }

    @TestFactory
    Stream<DynamicTest> everyAnswerIsDescribedAndTheOtherWayRound() {
        return document.operations()
                .map(operation -> dynamicTest(operation.name(), () -> {
                    var seen = new HashSet<String>();
                    for (var answer : answers(operation)) {
                        seen.addAll(document.check(operation, answer));
                    }
                    assertThat(seen).as("seen of what is described").containsAll(operation.described());
                }));
    }

    @Test
    void aRequestIdIsTakenWhereItsSchemaTakesIt() {
        var schema = document.at("/components/parameters/RequestId/schema");
        for (var id : IDS) {
            var valid = document.takes(schema, TextNode.valueOf(id));
            assertThat(service.write("X-Request-Id", id).status()).as(id).isEqualTo(valid ? 201 : 400);
        }
    }

    @Test
    void aBodyIsTakenWhereItsSchemaTakesIt() throws JsonProcessingException {
        var schema = document.at("/components/schemas/NewEntry");
        for (var body : BODIES) {
            var valid = document.takes(schema, new YAMLMapper().readTree(body));
            var answer = service.send("POST", "/api/entries", body, "Content-Type", "application/json");
            assertThat(answer.status()).as(body).isEqualTo(valid ? 201 : 400);
        }
    }

    /** All that brings some operation to another answer than its usual one, done to this one. */
    private static List<TestTally.Answer> answers(Operation operation) {
        var method = operation.method();
        var path = operation.template();
        var body = operation.item().has("requestBody") ? ENTRY.formatted("a", "b") : "";
        String[] usual = {"Content-Type", "application/json"};
        return List.of(
                service.send(method, path, body, usual),
                service.send(method, path, body, "Content-Type", "text/plain"),
                service.send(method, path, body.isEmpty() ? "" : "a".repeat(100_000), usual),
                service.send(method, path, body, "X-HTTP-Method-Override", "GET"),
                service.send(method, path, body, "X-Long", "a".repeat(9000)),
                service.send("PATCH", path, body, usual),
                away.send(method, path, body, usual));
    }
}
