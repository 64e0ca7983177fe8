package tally.counting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import tally.support.RealRedis;

/** What visits.lua makes of one batch, whatever comes into it together. */
class VisitsScriptTest {

    private final UnifiedJedis redis = RealRedis.shared().openEmpty();
    private final Jedis behind = RealRedis.shared().connect();

    @AfterEach
    void close() {
        redis.close();
        behind.close();
    }

    @Test
    void aBatchBringsNoMoreNewPagesThanThereIsRoomFor() {
        assertThat(count(
                        script("--visits-max-pages", "1"),
                        visit("1", "a", ""),
                        visit("2", "b", ""),
                        visit("3", "c", ""),
                        visit("4", "a", "")))
                .containsExactly(1L, -1L, -1L, 2L);
        assertThat(behind.zrange("tally:pages", 0, -1)).containsExactly("a");
        assertThat(behind.get("visit_count")).isEqualTo("2");
    }

    @Test
    void aRequestThatIsRepeatedMakesNoSecondVisitor() {
        var script = script();
        count(script, visit("once", "", "one"));
        assertThat(count(script, visit("once", "", "another"), visit("other", "", "one"), visit("other", "", "third")))
                .containsExactly(1L, 2L, 2L);
        assertThat(visitors()).isEqualTo(1);
    }

    @Test
    void aVisitThatIsRefusedMakesNoVisitor() {
        assertThat(count(script("--visits-max-pages", "0"), visit("1", "page", "one"), visit("2", "", "")))
                .containsExactly(-1L, 1L);
        assertThat(visitors()).isZero();
    }

    @Test
    void whatABatchLeavesHasATimeToLiveButTheCountsAndTheRingOfIds() {
        count(script(), visit("1", "home", "one"), visit("2", "", "another"));
        assertThat(behind.keys("*")).hasSizeGreaterThan(4).allSatisfy(key -> {
            var stays = key.matches("visit_count|tally:pages|tally:seen(:[012])?");
            assertThat(behind.ttl(key) == -1).as(key).isEqualTo(stays);
        });
    }

    @Test
    void aCountBeyondExactNumbersIsNamedAndNothingIsCounted() {
        behind.set("visit_count", "9007199254740991");
        assertThat(count(script(), visit("last", "", ""))).containsExactly(9007199254740992L);
        assertThatThrownBy(() -> count(script(), visit("next", "home", "one")))
                .hasMessageContaining("visit_count is not a count");
        assertThat(behind.keys("tally:pages")).isEmpty();
    }

    @Test
    void theMinuteAndTheDayAreOfRedisClock() {
        count(script(), visit("1", "", "one"));
        try (var admin = RealRedis.shared().connect()) {
            var minute = admin.keys("tally:minute:*").iterator().next();
            long minutes = Long.parseLong(admin.time().getFirst()) / 60;
            assertThat(minutes - Long.parseLong(minute.substring("tally:minute:".length())))
                    .isBetween(0L, 1L);
            assertThat(admin.get(minute)).isEqualTo("1");
        }
    }

    private long visitors() {
        return behind.keys("tally:visitors:*").stream()
                .mapToLong(behind::pfcount)
                .sum();
    }

    private VisitsScript script(String... flags) {
        var settings = RealRedis.shared().settings(flags);
        return new VisitsScript(
                redis,
                new Keys(redis),
                settings.service().visits(),
                settings.service().counting(),
                settings.redis().timeout());
    }

    private static List<Long> count(VisitsScript script, Visit... visits) {
        return script.count(List.of(visits), false).stream()
                .map(Numbers::visits)
                .toList();
    }

    private static Visit visit(String id, String page, String visitor) {
        return new Visit(id, page, new Caller("", visitor));
    }
}
