package tally;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.MountableFile;
import tally.dev.LocalRedis;
import tally.support.RealRedis;
import tally.support.TestTally;

/**
 * The data of an older Redis, opened by the newest that can be had here: from 6.2, which a library brings along, to the
 * stack's own image, else to the redis-server on the PATH. Not from the previous minor, of which there is no second one
 * to be had; this is a longer way, over the change of the log's format in 7.0.
 */
class UpgradeIT {

    private static final String[] DURABLE = {"--appendonly", "yes", "--appendfsync", "everysec"};

    @TempDir
    private Path folder;

    @Test
    void whatAnOlderRedisKeptIsThereInANewerOneAndCountingGoesOn() {
        var onPath = LocalRedis.onPath("redis-server");
        if (!RealRedis.shared().isContainer() && onPath.isEmpty()) {
            System.out.println(
                    "SKIPPED: the upgrade of Redis: the only one here is bundled, and there is none to upgrade to");
            Assumptions.abort("no Redis to upgrade to");
        }
        String older;
        String cookie;
        try (var redis = new LocalRedis(LocalRedis.bundled(), LocalRedis.freePort(), folder, DURABLE);
                var service = TestTally.start("127.0.0.1", redis.port())) {
            older = RealRedis.version("127.0.0.1", redis.port());
            for (int i = 0; i < 100; i++) {
                service.get("/");
                service.send("POST", "/api/visits/page-" + i % 3, "");
            }
            cookie = service.send("PUT", "/api/session", "{\"theme\":\"dark\"}", "Content-Type", "application/json")
                    .cookie();
            redis.stop();
        }
        if (RealRedis.shared().isContainer()) {
            try (var redis = new GenericContainer<>(RealRedis.IMAGE)
                    .withExposedPorts(6379)
                    .withCopyFileToContainer(MountableFile.forHostPath(folder, 0777), "/data/")
                    .withCommand(
                            "redis-server",
                            "--dir",
                            "/data",
                            DURABLE[0],
                            DURABLE[1],
                            DURABLE[2],
                            DURABLE[3],
                            "--protected-mode",
                            "no")) {
                redis.start();
                RealRedis.letAppIn(redis.getHost(), redis.getFirstMappedPort());
                goesOn(older, cookie, redis.getHost(), redis.getFirstMappedPort());
            }
        } else {
            try (var redis = new LocalRedis(onPath.orElseThrow(), LocalRedis.freePort(), folder, DURABLE)) {
                goesOn(older, cookie, "127.0.0.1", redis.port());
            }
        }
    }

    private static void goesOn(String older, String cookie, String host, int port) {
        var newer = RealRedis.version(host, port);
        System.out.println("Data of Redis " + older + " opened in " + newer);
        assertThat(Runtime.Version.parse(newer)).isGreaterThan(Runtime.Version.parse(older));
        try (var service = TestTally.start(host, port)) {
            assertThat(service.get("/api/visits").visits()).isEqualTo(200);
            assertThat(service.get("/api/visits/page-0").visits()).isEqualTo(34);
            assertThat(service.get("/api/session", "Cookie", cookie)
                            .json()
                            .at("/data/theme")
                            .asText())
                    .isEqualTo("dark");
            assertThat(service.get("/").visits()).isEqualTo(201);
            assertThat(service.send("POST", "/api/visits/page-1", "").visits()).isEqualTo(34);
        }
    }
}
