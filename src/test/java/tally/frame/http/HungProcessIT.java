package tally.frame.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TallyProcess;

/** A process that the system stopped for a while, as a host does that pauses its guests. */
class HungProcessIT {

    @TempDir
    private Path folder;

    /** Nginx has given it up by then, and the id may be forgotten. */
    @Test
    void whatAReplicaThatHungForLongHoldsIsRefusedAndWhatIsNewIsCounted() throws Exception {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var tally = TallyProcess.serve(folder, redis.port())) {
            Eventually.isTrue("counts", () -> tally.status("/") == 200);
            var before = admin.get("visit_count");
            tally.signal("STOP");
            var old = tally.ask("/");
            Thread.sleep(HangDetector.HUNG.plusSeconds(1));
            tally.signal("CONT");
            assertThat(old.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(502);
            assertThat(admin.get("visit_count")).isEqualTo(before);
            Eventually.isTrue("counts again", () -> tally.status("/") == 200);
            // One that hung for a moment answers what came meanwhile.
            tally.signal("STOP");
            var recent = tally.ask("/");
            Thread.sleep(2000);
            tally.signal("CONT");
            assertThat(recent.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        }
    }
}
