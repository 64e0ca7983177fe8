package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tally.support.RealRedis;
import tally.support.TestTally;

/** Names with parts: a page and its site, whichever way an address spells them. */
class NamesTest {

    private static TestTally service;

    @BeforeAll
    static void start() {
        service = TestTally.start("--counting-new-names", "1000");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @BeforeEach
    void empty() {
        RealRedis.shared().empty();
    }

    @Test
    void aPageCountsForItsSiteAndInAll() {
        assertThat(service.send("POST", "/api/visits/blog.example/2024/a", "").body())
                .isEqualTo("{\"page\":\"blog.example/2024/a\",\"visits\":1,\"site\":1,\"total\":1}");
        service.send("POST", "/api/visits/home", "");
        assertThat(service.send("POST", "/api/visits/blog.example/b", "").body())
                .isEqualTo("{\"page\":\"blog.example/b\",\"visits\":1,\"site\":2,\"total\":3}");
        assertThat(service.get("/api/visits/blog.example/2024/a").body())
                .isEqualTo("{\"page\":\"blog.example/2024/a\",\"visits\":1}");
        assertThat(service.get("/api/visits/blog.example").visits()).isEqualTo(2);
        assertThat(service.get("/api/visits/blog.example/2024").visits())
                .as("a folder is no page")
                .isZero();
        assertThat(service.get("/api/visits").visits()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "blog.example/2024/%C3%BCber-uns",
                "blog.example/2024/\u00fcber-uns",
                "blog.example%2F2024%2f%c3%bcber-uns",
                "Blog.EXAMPLE/2024/u%CC%88ber-uns",
                "blog.example/2024/%C3%BCber-uns/",
                "blog.example/2024/%C3%BCber-uns/index.html",
                "blog.example/2024/%C3%BCber-uns?utm=1",
                "blog.example/2024/%C3%BCber-uns%3Futm=1",
                "blog.example/2024/%C3%BCber-uns%23top",
                "%62log.example/2024/%C3%BCber-uns"
            })
    void onePageHasOneName(String spelling) {
        var answer = service.raw("POST /api/visits/" + utf8(spelling) + " HTTP/1.1");
        assertThat(answer)
                .startsWith("HTTP/1.1 200 ")
                .contains("{\"page\":\"blog.example/2024/\u00fcber-uns\",\"visits\":1");
    }

    @Test
    void theFrontPageOfASiteIsNotTheSite() {
        for (var spelling : List.of("blog.example/", "blog.example/index.html", "BLOG.example%2F")) {
            assertThat(service.send("POST", "/api/visits/" + spelling, "")
                            .json()
                            .required("page")
                            .asText())
                    .isEqualTo("blog.example/");
        }
        service.send("POST", "/api/visits/blog.example/a", "");
        assertThat(service.get("/api/visits/blog.example/").visits()).isEqualTo(3);
        assertThat(service.get("/api/visits/blog.example").visits()).isEqualTo(4);
    }

    @Test
    void aNameWithoutASlashIsTakenAsItIs() {
        for (var name : List.of("Home", "home", "index.html", "a.b_C-9")) {
            assertThat(service.send("POST", "/api/visits/" + name, "").body())
                    .isEqualTo("{\"page\":\"" + name + "\",\"visits\":1}");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a b",
                "\ud83d\ude00/\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67",
                "\u05e9\u05dc\u05d5\u05dd/\u0645\u0631\u062d\u0628\u0627",
                "e\u0301tude/na\u0308chste",
                "a/<script>\"'&%=+;",
                "50%25/%2525",
                "-a/_",
                "\u4f60\u597d/\u4e16\u754c",
                "x/..a/b..",
                "\u0130stanbul/I"
            })
    void anyTextIsANameAndIsToldAsItIs(String name) {
        var address = "/api/visits/" + encoded(name);
        var first = service.send("POST", address, "").json();
        assertThat(first.required("visits").asLong()).isEqualTo(1);
        assertThat(service.send(
                                "POST",
                                "/api/visits/" + encoded(first.required("page").asText()),
                                "")
                        .visits())
                .as("its one spelling")
                .isEqualTo(2);
        assertThat(service.get("/api/stats").json().at("/topPages").findValuesAsText("page"))
                .contains(first.required("page").asText());
        assertThat(service.get("/badge/" + encoded(name) + ".svg").body()).contains(">2<");
    }

    @Test
    void aNameHas256BytesAtMost() {
        assertThat(service.send("POST", "/api/visits/" + "%C3%A4".repeat(128), "")
                        .status())
                .isEqualTo(200);
        assertThat(service.send("POST", "/api/visits/a/" + "b".repeat(254), "").status())
                .isEqualTo(200);
        assertThat(service.send("POST", "/api/visits/a/" + "b".repeat(255), "").status())
                .isEqualTo(400);
    }

    @Test
    void aRepeatedRequestIsOneVisitOfThePageItsSiteAndTheDay() {
        for (int i = 0; i < 2; i++) {
            assertThat(service.send("POST", "/api/visits/blog.example/a", "", "X-Request-Id", "same")
                            .body())
                    .isEqualTo("{\"page\":\"blog.example/a\",\"visits\":1,\"site\":1,\"total\":1}");
        }
        try (var redis = RealRedis.shared().connect()) {
            var day = redis.keys("tally:day:*").iterator().next();
            assertThat(redis.hgetAll(day))
                    .hasSize(3)
                    .containsEntry("blog.example/a", "1")
                    .containsEntry("blog.example", "1")
                    .containsEntry("", "1");
        }
    }

    @Test
    void thereIsRoomForAPageOnlyIfThereIsForItsSite() {
        try (var small = TestTally.start("--visits-max-pages", "3")) {
            assertThat(small.send("POST", "/api/visits/a.example/1", "").status())
                    .isEqualTo(200);
            assertThat(small.send("POST", "/api/visits/b.example/1", "").status())
                    .isEqualTo(409);
            assertThat(small.send("POST", "/api/visits/a.example/2", "").status())
                    .isEqualTo(200);
            assertThat(small.send("POST", "/api/visits/a.example/3", "").status())
                    .isEqualTo(409);
            assertThat(small.get("/api/visits/b.example").visits()).isZero();
            assertThat(small.get("/api/visits").visits()).isEqualTo(2);
        }
    }

    private static String encoded(String name) {
        var text = new StringBuilder();
        for (byte one : utf8(name).getBytes(StandardCharsets.ISO_8859_1)) {
            text.append(one == '/' ? "/" : "%%%02X".formatted(one));
        }
        return text.toString();
    }

    /** As the bytes that a client sends which encodes nothing. */
    private static String utf8(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
