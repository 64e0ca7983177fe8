package tally.support;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.Error;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** openapi.yaml as a service serves it, and what an answer must be like by it. */
public final class ApiDocument {

    private static final Set<String> METHODS =
            Set.of("get", "put", "post", "delete", "options", "head", "patch", "trace");
    /** What belongs to HTTP itself, or is meant for nginx: may come without being described. */
    private static final Set<String> HTTP_HEADERS = Set.of(
            "date",
            "content-type",
            "content-length",
            "transfer-encoding",
            "connection",
            "expires",
            "access-control-allow-origin",
            "access-control-expose-headers",
            "vary",
            "x-accel-buffering");
    private static final YAMLMapper YAML = new YAMLMapper();
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12,
            registry -> registry.schemaRegistryConfig(
                    SchemaRegistryConfig.builder().formatAssertionsEnabled(true).build()));

    private final JsonNode document;

    public ApiDocument(TestTally service) throws JsonProcessingException {
        document = YAML.readTree(service.get("/openapi.yaml").body());
    }

    /** What stands at this place of the document. */
    public JsonNode at(String pointer) {
        return document.at(pointer);
    }

    /** Fails unless the answer is as described; what was seen of it, in the words of {@link Operation#described}. */
    public Set<String> check(Operation operation, TestTally.Answer answer) throws JsonProcessingException {
        var what = operation.name() + " " + answer.status() + " "
                + answer.headers().map() + " " + answer.body();
        // 431 stands for all that can be wrong with any request.
        var status = answer.status() == 431 ? "default" : Integer.toString(answer.status());
        var response = resolved(operation.item().required("responses").path(status));
        var type = answer.header("Content-Type").replaceFirst(";.*", "");

        var seen = new HashSet<>(Set.of(status));
        answer.headers().map().keySet().forEach(header -> seen.add(status + " " + header.toLowerCase(Locale.ROOT)));
        if (!answer.body().isEmpty()) {
            seen.add(status + " " + type);
        }
        assertThat(operation.described())
                .as(what)
                .containsAll(seen.stream()
                        .filter(fact -> !HTTP_HEADERS.contains(fact.replaceFirst(".* ", "")))
                        .toList());

        for (var header : response.path("headers").properties()) {
            var description = resolved(header.getValue());
            var value = answer.header(header.getKey());
            if (description.path("required").asBoolean() || !value.isEmpty()) {
                var typed = value.matches("\\d+") ? YAML.readTree(value) : TextNode.valueOf(value);
                assertThat(mistakes(typed, description.required("schema")))
                        .as(header.getKey() + " of " + what)
                        .isEmpty();
            }
        }
        if (answer.status() == 405) {
            assertThat(answer.header("Allow").split(", "))
                    .containsExactlyInAnyOrder(operations()
                            .filter(other -> other.template().equals(operation.template()))
                            .map(Operation::method)
                            .toArray(String[]::new));
        }
        if (response.has("content")) {
            var content = response.required("content").required(type);
            var body = type.endsWith("json") ? answer.json() : TextNode.valueOf(answer.body());
            assertThat(mistakes(body, content.required("schema"))).as(what).isEmpty();
            assertThat(
                            type.equals("application/problem+json")
                                    ? body.required("status").asInt()
                                    : answer.status())
                    .isEqualTo(answer.status());
            if (content.has("x-event-data")) {
                var data = answer.body().substring(answer.body().indexOf("\ndata: ") + 7);
                assertThat(mistakes(YAML.readTree(data), content.required("x-event-data")))
                        .as(what)
                        .isEmpty();
            }
        }
        return seen;
    }

    /** One method of one address. */
    public final class Operation {

        private final String method;
        private final String template;
        private final JsonNode item;

        private Operation(String method, String template, JsonNode item) {
            this.method = method;
            this.template = template;
            this.item = item;
        }

        public String method() {
            return method;
        }

        public String template() {
            return template;
        }

        public JsonNode item() {
            return item;
        }

        public String name() {
            return method + " " + template;
        }

        String path() {
            return template.replace("{page}", "home").replace("{site}", "blog.example");
        }

        /** Those that do not take any text. */
        public Stream<JsonNode> parameters() {
            return Stream.of(item, document.required("paths").required(template))
                    .flatMap(place -> place.path("parameters").valueStream())
                    .map(ApiDocument.this::resolved)
                    .filter(parameter ->
                            !parameter.required("schema").toString().equals("{\"type\":\"string\"}"));
        }

        /** Each status, and each header and media type with it, that the service itself promises. */
        public Set<String> described() {
            var facts = new HashSet<String>();
            item.required("responses").properties().forEach(entry -> {
                var response = resolved(entry.getValue());
                if (!response.path("x-answered-by").asText().equals("nginx")) {
                    facts.add(entry.getKey());
                    Stream.of("headers", "content")
                            .flatMap(part -> response.path(part).propertyStream())
                            .forEach(part -> facts.add(
                                    entry.getKey() + " " + part.getKey().toLowerCase(Locale.ROOT)));
                }
            });
            return facts;
        }
    }

    public Stream<Operation> operations() {
        return document.required("paths")
                .propertyStream()
                .flatMap(path -> path.getValue()
                        .propertyStream()
                        .filter(entry -> METHODS.contains(entry.getKey()))
                        .map(entry -> new Operation(
                                entry.getKey().toUpperCase(Locale.ROOT), path.getKey(), entry.getValue())));
    }

    private JsonNode resolved(JsonNode node) {
        return node.has("$ref")
                ? resolved(document.at(node.required("$ref").asText().substring(1)))
                : node;
    }

    public boolean takes(JsonNode schema, JsonNode value) {
        return mistakes(value, schema).isEmpty();
    }

    private List<Error> mistakes(JsonNode value, JsonNode schema) {
        ObjectNode whole = schema.deepCopy();
        whole.set("components", document.required("components"));
        return SCHEMAS.getSchema(whole).validate(value);
    }
}
