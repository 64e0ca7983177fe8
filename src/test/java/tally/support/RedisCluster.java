package tally.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;
import tally.dev.AppUser;
import tally.dev.LocalRedis;

/** A Redis Cluster of local processes, which share the slots evenly and have no replicas. */
public final class RedisCluster implements AutoCloseable {

    private static final int SLOTS = 16_384;

    private final List<LocalRedis> nodes = new ArrayList<>();

    public RedisCluster(Path folder, int size) {
        for (int i = 0; i < size; i++) {
            nodes.add(node(folder.resolve("node-" + i)));
        }
        for (int i = 0; i < size; i++) {
            try (var admin = nodes.get(i).connect()) {
                admin.clusterAddSlots(IntStream.range(SLOTS * i / size, SLOTS * (i + 1) / size)
                        .toArray());
                admin.clusterMeet("127.0.0.1", nodes.getFirst().port());
            }
        }
        for (var node : nodes) {
            try (var admin = node.connect()) {
                Eventually.isTrue(
                        "the cluster is one",
                        () -> admin.clusterInfo().contains("cluster_state:ok")
                                && admin.clusterInfo().contains("cluster_known_nodes:" + size));
            }
        }
    }

    /** The same for the names that keys have in a cluster; those that they had before are taken over. */
    private static Stream<String> rules() {
        int version = LocalRedis.version(LocalRedis.executable());
        var known = AppUser.rules(version).stream()
                .map(rule -> rule.replaceAll("~tally:(\\S*)", "~tally:$1 ~{visit_count}:$1"))
                .flatMap(rule -> rule.startsWith("(") ? Stream.of(rule) : Stream.of(rule.split(" ")));
        return version < AppUser.FIRST_WITH_SELECTORS
                ? known
                : Stream.concat(known, Stream.of("(~tally:pages +unlink)"));
    }

    private static LocalRedis node(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException full) {
            throw new UncheckedIOException(full);
        }
        var options = Stream.of(
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1000",
                "--appendonly",
                "yes",
                "--save",
                "",
                "--user",
                AppUser.NAME);
        return new LocalRedis(folder, Stream.concat(options, rules()).toArray(String[]::new));
    }

    public List<LocalRedis> nodes() {
        return nodes;
    }

    /** The node that has this key. */
    public LocalRedis of(String key) {
        int slot;
        try (var admin = nodes.getFirst().connect()) {
            slot = (int) admin.clusterKeySlot(key);
        }
        return nodes.get(slot * nodes.size() / SLOTS);
    }

    public Jedis connect(String key) {
        return of(key).connect();
    }

    @Override
    public void close() {
        nodes.forEach(LocalRedis::close);
    }
}
