package tally.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import redis.clients.jedis.params.SetParams;
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

    private static final Map<String, List<String>> VALUES = Map.of(
            "page",
                    List.of(
                            "a",
                            "A.b_c-9",
                            "a".repeat(256),
                            "a".repeat(257),
                            ".a",
                            "a b",
                            "ä/b",
                            "a/",
                            "a/b/",
                            "total",
                            "total/a",
                            "totals",
                            "..",
                            "a/../b",
                            "a/.b",
                            "/a",
                            "a\u0007"),
            "site", List.of("blog.example", "a b", "ä", "..", "total", "a/b", "a\u0007"),
            "label", List.of("hits", "a b", "ä<&", "a".repeat(40), "a".repeat(41), "", " ", "a\nb", "\u0001", "\u0085"),
            "color",
                    List.of(
                            "fff", "#1f7a3d", "FFFFFF", "ffff", "", "blue", "green", "red", "orange", "yellow",
                            "purple", "pink", "teal", "grey", "black", "Blue", "white"),
            "style", List.of("flat", "flat-square", "for-the-badge", "pixel", "Flat", "flat_square", "plastic", ""),
            "format", List.of("1.2k", "1,234", "1234", "1.2K", "1", ""),
            "base",
                    List.of(
                            "0",
                            "12345",
                            "1000000000000000",
                            "1000000000000001",
                            "10000000000000000",
                            "-1",
                            "1.5",
                            "1,234",
                            "a",
                            ""),
            "show", List.of("total", "today", "both", "Today", "week", ""),
            "count", List.of("", "0", "1", "true", "false", "2", "yes", "TRUE", " 1"),
            "X-Request-Id", List.of("a", "A.b_c-9", "a".repeat(128), "a".repeat(129), "a b", "a,b", ""));
    private static final List<String> BODIES = List.of(
            "{}",
            "[]",
            "\"a\"",
            "{\"a\":1}",
            "{\"a\":null}",
            "{\"\":\"a\"}",
            "{\"%s\":\"\"}".formatted("a".repeat(64)),
            "{\"%s\":\"\"}".formatted("a".repeat(65)),
            "{\"a\":\"%s\"}".formatted("b".repeat(1024)),
            "{\"a\":\"%s\"}".formatted("b".repeat(1025)),
            fields(20),
            fields(21));

    private static final YAMLMapper YAML = new YAMLMapper();
    private static TestTally service;
    private static TestTally full;
    private static TestTally away;
    private static ApiDocument document;

    @BeforeAll
    static void start() throws JsonProcessingException {
        RealRedis.shared().empty();
        service = TestTally.start();
        full = TestTally.onDatabase(1, "--visits-max-pages", "0");
        away = TestTally.start("127.0.0.1", LocalRedis.freePort(), "--events-max-clients", "0");
        document = new ApiDocument(service);
    }

    @AfterAll
    static void stop() {
        Stream.of(service, full, away).forEach(TestTally::close);
    }

    @Test
    void everyRouteIsDescribedAndTheOtherWayRound() {
        assertThat(document.operations().map(Operation::name))
                .containsExactlyInAnyOrderElementsOf(service.routes().stream()
                        .map(route -> route.replace('<', '{').replace('>', '}'))
                        .toList());
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

    @TestFactory
    Stream<DynamicTest> aParameterIsTakenWhereItsSchemaTakesIt() {
        return document.operations()
                .flatMap(operation -> operation.parameters().map(parameter -> {
                    var name = parameter.required("name").asText();
                    return dynamicTest(
                            operation.name() + " " + name, () -> takesAsItsSchema(operation, parameter, name));
                }));
    }

    @TestFactory
    Stream<DynamicTest> whatIsLeftOutIsTakenForItsDefault() {
        return document.operations()
                .flatMap(operation -> operation
                        .parameters()
                        .filter(parameter -> parameter.at("/schema").has("default"))
                        .map(parameter -> dynamicTest(
                                operation.name() + " "
                                        + parameter.required("name").asText(),
                                () -> {
                                    var given = "?" + parameter.required("name").asText() + "="
                                            + parameter.at("/schema/default").asText();
                                    assertThat(service.send(operation.method(), path(operation) + given, "")
                                                    .body())
                                            .isEqualTo(service.send(operation.method(), path(operation), "")
                                                    .body());
                                })));
    }

    @Test
    void everyStateOfTheCacheIsDescribedAndTheOtherWayRound() throws JsonProcessingException {
        var states = document.at("/components/headers/XCache/schema/enum")
                .valueStream()
                .map(JsonNode::asText)
                .toList();
        var operation = document.operations()
                .filter(one -> one.template().equals("/api/stats"))
                .findFirst()
                .orElseThrow();
        var seen = new HashSet<String>();
        try (var old = TestTally.onDatabase(2, "--cache-ttl", "0s", "--cache-stale", "1m");
                var kept = TestTally.onDatabase(2, "--cache-ttl", "1m");
                var redis = RealRedis.shared().connect()) {
            redis.select(2);
            for (int i = 0; i < 2; i++) {
                var answer = old.get("/api/stats");
                document.check(operation, answer);
                seen.add(answer.header("X-Cache"));
                // As while another replica makes them anew.
                redis.set(
                        "tally:cache:stats:lock",
                        "another's",
                        SetParams.setParams().px(2000));
            }
            redis.del("tally:cache:stats", "tally:cache:stats:lock");
            for (int i = 0; i < 2; i++) {
                seen.add(kept.get("/api/stats").header("X-Cache"));
            }
        }
        assertThat(seen).containsExactlyInAnyOrderElementsOf(states);
    }

    private static void takesAsItsSchema(Operation operation, JsonNode parameter, String name)
            throws JsonProcessingException {
        for (var value : Objects.requireNonNull(VALUES.get(name), name)) {
            var typed = value.matches("-?\\d+")
                            && parameter.at("/schema/type").asText().equals("integer")
                    ? YAML.readTree(value)
                    : TextNode.valueOf(value);
            var valid = document.takes(parameter.required("schema"), typed);
            var encoded = URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
            var answer = switch (parameter.required("in").asText()) {
                case "path" ->
                    service.send(operation.method(), operation.template().replace("{" + name + "}", encoded), "");
                case "query" -> service.send(operation.method(), path(operation) + "?" + name + "=" + encoded, "");
                default -> service.send(operation.method(), path(operation), "", name, value);
            };
            assertThat(answer.status()).as(value).isEqualTo(valid ? 200 : 400);
        }
    }

    @Test
    void aBodyIsTakenWhereItsSchemaTakesIt() throws JsonProcessingException {
        var schema = document.at("/paths/~1api~1session/put/requestBody/content/application~1json/schema");
        for (var body : BODIES) {
            var valid = document.takes(schema, YAML.readTree(body));
            var answer = service.send("PUT", "/api/session", body, "Content-Type", "application/json");
            assertThat(answer.status()).as(body).isIn(valid ? List.of(200) : List.of(400, 413));
        }
    }

    /** All that brings some operation to another answer than its usual one, done to this one. */
    private static List<TestTally.Answer> answers(Operation operation) {
        var method = operation.method();
        var path = path(operation);
        var body = operation.item().has("requestBody") ? "{}" : "";
        String[] usual = {"Content-Type", "application/json", "Cookie", "tally-session=" + session()};
        var answers = new ArrayList<>(List.of(
                service.send(method, path, body, usual),
                service.send(
                        method,
                        path,
                        body,
                        "Content-Type",
                        "application/json",
                        "Accept",
                        "text/html",
                        "User-Agent",
                        "Mozilla"),
                service.send(method, path, body, "Content-Type", "text/plain"),
                service.send(method, path, body.isEmpty() ? "" : "a".repeat(100_000), usual),
                service.send(method, path, body, "X-HTTP-Method-Override", "GET"),
                service.send(method, path, body, "X-Long", "a".repeat(9000)),
                service.send("PATCH", path, body, usual),
                full.send(method, path, body, usual),
                full.send(method, path + "?count", body, "User-Agent", "Mozilla"),
                away.send(method, path, body, usual)));
        // Often enough for one to come before the statistics are made anew.
        for (int i = 0; i < 3; i++) {
            var tag = service.send(method, path, body, usual).header("ETag");
            answers.add(service.send(method, path, body, "Content-Type", "application/json", "If-None-Match", tag));
        }
        return answers;
    }

    private static String path(Operation operation) {
        return operation.template().replace("{page}", "home");
    }

    private static String session() {
        return service.get("/", "Accept", "text/html", "User-Agent", "Mozilla")
                .header("Set-Cookie")
                .split("[=;]", 3)[1];
    }

    private static String fields(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"" + i + "\":\"\"").collect(Collectors.joining(",", "{", "}"));
    }
}
