package tally.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.support.Eventually;
import tally.support.TestTally;
import tally.support.Wire;

/** What is said while nothing happens, so that whoever is gone is found out. */
class QuietIT {

    @TempDir
    private Path folder;

    /** Here Redis, or what is between, is silent from the first sign of life on that it is asked for. */
    @Test
    void aSubscriptionThatOnlySeemsToBeThereIsMadeAnew() {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var wire = new Wire(redis.port());
                var service = TestTally.start("127.0.0.1", wire.port())) {
            Eventually.isTrue("it hears", () -> subscribers(admin.clientList()) == 1);
            var before = admin.clientList();
            wire.breakAt("PING", Wire.Fault.SILENCE, 1);
            // After ten quiet seconds.
            Eventually.isTrue("it asks for a sign of life", () -> wire.broken() == 1);
            assertThat(subscriber(admin.clientList())).isEqualTo(subscriber(before));
            // After thirty of silence.
            Eventually.isTrue(
                    "it hears anew",
                    () -> subscribers(admin.clientList()) == 1
                            && !subscriber(admin.clientList()).equals(subscriber(before)));
            assertThat(service.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void aQuietPageGetsASignOfLifeAndSoDoesAQuietSubscription() throws Exception {
        try (var redis = new LocalRedis(folder);
                var admin = redis.connect();
                var service = TestTally.start("127.0.0.1", redis.port());
                var page = new Socket("127.0.0.1", service.address("/").getPort())) {
            page.setSoTimeout(30_000);
            page.getOutputStream()
                    .write("GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            var lines = new BufferedReader(new InputStreamReader(page.getInputStream(), StandardCharsets.UTF_8));
            long quietSince = 0;
            for (var line = lines.readLine(); !line.equals(":"); line = lines.readLine()) {
                quietSince = line.startsWith("data:") ? System.nanoTime() : quietSince;
            }
            assertThat((System.nanoTime() - quietSince) / 1e9).isBetween(14.0, 25.0);
            assertThat(admin.clientList().lines().filter(client -> client.contains(" sub=1 ")))
                    .singleElement()
                    .asString()
                    .contains(" cmd=ping ");
        }
    }

    private static long subscribers(String clients) {
        return clients.lines().filter(client -> client.contains(" sub=1 ")).count();
    }

    private static String subscriber(String clients) {
        return clients.lines()
                .filter(client -> client.contains(" sub=1 "))
                .map(client -> client.replaceFirst(" .*", ""))
                .findFirst()
                .orElse("");
    }
}
