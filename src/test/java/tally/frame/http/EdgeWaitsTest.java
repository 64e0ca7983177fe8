package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tally.Settings;
import tally.frame.config.ConfigLayers;

/** What nginx.conf waits for replicas, against the time for which the name of a request is known. */
class EdgeWaitsTest {

    private static final Pattern ROUND =
            Pattern.compile("location (@again|@once_more) \\{(.*?)\\n {4}}", Pattern.DOTALL);
    private static final Pattern TIMES =
            Pattern.compile("\\bproxy_(connect|send|read|next_upstream)_timeout (\\d+)(ms|s);");

    @Test
    void anIdIsRememberedForLongerThanARequestCanBeOnItsWay() throws IOException {
        var nginx = Files.readString(Path.of("nginx.conf"));
        var edge = nginx.substring(0, nginx.indexOf("\n  server {"));
        var everywhere = times(edge);
        assertThat(everywhere).containsOnlyKeys("connect", "send", "read", "next_upstream");
        var rounds = ROUND.matcher(nginx).results().map(round -> round.group(2)).toList();
        assertThat(rounds).hasSize(2);
        var onItsWay = longest(everywhere, Map.of());
        for (var round : rounds) {
            onItsWay = onItsWay.plus(longest(everywhere, times(round)));
            if (round.contains("http://$")) {
                onItsWay = onItsWay.plus(toFindTheName(nginx));
            }
        }
        // Whoever asks gets a number or an error within half a minute, and never waits for a replica when the app would
        // still answer.
        assertThat(onItsWay).isLessThan(Duration.ofSeconds(30));
        var inTheApp = settings().redis().perRequest();
        assertThat(everywhere.get("read")).isGreaterThan(inTheApp);
        // A replica that hangs for so long answers what it holds; after a longer time it refuses that.
        assertThat(RequestId.KNOWN)
                .isGreaterThan(onItsWay.plus(HangDetector.HUNG).plus(inTheApp).plusSeconds(2));
    }

    @Test
    void aReplicaThatHangsLeavesTimeForAnotherInTheSameRound() throws IOException {
        var nginx = Files.readString(Path.of("nginx.conf"));
        var everywhere = times(nginx.substring(0, nginx.indexOf("\n  server {")));
        assertThat(everywhere).containsKeys("next_upstream", "read", "connect");
        assertThat(everywhere.get("next_upstream"))
                .isGreaterThan(Stream.of("read", "connect").map(everywhere::get).reduce(Duration.ZERO, Duration::plus));
    }

    /** Else it would send a request into a connection that is just being closed. */
    @Test
    void nginxLeavesAConnectionBeforeTheAppClosesIt() throws IOException {
        var upstream = Pattern.compile("upstream app \\{.*?\\bkeepalive_timeout (\\d+)s;.*?\\n {2}}", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("nginx.conf")));
        assertThat(upstream.find()).isTrue();
        assertThat(settings().http().idleTimeout())
                .isGreaterThanOrEqualTo(Duration.ofSeconds(Long.parseLong(upstream.group(1)) + 10));
    }

    @Test
    void theEngineWaitsForTheStopOfTheApp() throws IOException {
        var compose = new YAMLMapper().readTree(Path.of("compose.yaml").toFile());
        var grace = compose.at("/services/app/stop_grace_period").asText();
        assertThat(grace).matches("\\d+s");
        var stop = settings().stop();
        assertThat(Duration.parse("PT" + grace))
                .isGreaterThan(stop.announce().plus(stop.drain()).plusSeconds(2));
    }

    /** A try may begin just before the round is over, and then wait for each of its steps. */
    private static Duration longest(Map<String, Duration> everywhere, Map<String, Duration> here) {
        return List.of("next_upstream", "connect", "send", "read").stream()
                .map(step -> here.getOrDefault(step, everywhere.get(step)))
                .reduce(Duration.ZERO, Duration::plus);
    }

    private static Map<String, Duration> times(String part) {
        return TIMES.matcher(part)
                .results()
                .collect(Collectors.toMap(
                        time -> time.group(1),
                        time -> Duration.ofMillis(
                                Long.parseLong(time.group(2)) * (time.group(3).equals("s") ? 1000 : 1))));
    }

    private static Duration toFindTheName(String nginx) {
        var wait = Pattern.compile("\\bresolver_timeout (\\d+)s;").matcher(nginx);
        assertThat(wait.find()).isTrue();
        return Duration.ofSeconds(Long.parseLong(wait.group(1)));
    }

    private static Settings settings() {
        return Settings.of(ConfigLayers.read(List.of(), Map.of()).merged());
    }
}
