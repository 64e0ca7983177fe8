package tally;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tally.counting.CountingSettings;
import tally.counting.SessionSettings;
import tally.counting.VisitSettings;
import tally.frame.config.SettingReader;
import tally.frame.redis.CacheSettings;
import tally.live.EventSettings;

class ServiceSettingsTest {

    @Test
    void eachKeyIsItsOwnSetting() {
        var all = ConfigFactory.parseString("""
                visits { max-waiting = 8, max-pages = 9 }
                counting { sites = "a.example, b.example", new-names = 19, bots = true }
                session { ttl = 10s, max-memory = 11KiB }
                cache { ttl = 12s, stale = 13s }
                events { max-clients = 14 }
                """);
        assertThat(ServiceSettings.read(new SettingReader(all)))
                .isEqualTo(new ServiceSettings(
                        new VisitSettings(8, 9),
                        new CountingSettings(Set.of("a.example", "b.example"), 19, true),
                        new SessionSettings(Duration.ofSeconds(10), 11 * 1024),
                        new CacheSettings(Duration.ofSeconds(12), Duration.ofSeconds(13)),
                        new EventSettings(14)));
    }
}
