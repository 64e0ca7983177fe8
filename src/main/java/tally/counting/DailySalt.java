package tally.counting;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Objects;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.params.SetParams;

/**
 * Makes what identifies a person into a hash that nobody can turn back, and that is another each day.
 *
 * <p>The salt is random, the same for all replicas, and ends with its day: who has Redis' data of yesterday can't try
 * out addresses. It is asked for anew each minute, so that a Redis that was emptied gets one for all.
 *
 * <p>For one thread. Redis: {@code tally:salt:<day>}, until a minute after the day.
 */
final class DailySalt {

    private static final Duration MARGIN = Duration.ofMinutes(1);

    private final UnifiedJedis redis;
    private final Keys keys;
    private final SecureRandom random = new SecureRandom();
    private Instant minute = Instant.MIN;
    private String salt = "";

    DailySalt(UnifiedJedis redis, Keys keys) {
        this.redis = redis;
        this.keys = keys;
    }

    /** 64 bits in hexadecimal digits. */
    String hash(Instant time, String... parts) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(saltOf(time).getBytes(StandardCharsets.UTF_8));
            for (var part : parts) {
                digest.update(part.getBytes(StandardCharsets.UTF_8));
                digest.update((byte) 0);
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException absent) {
            throw new IllegalStateException(absent);
        }
    }

    private String saltOf(Instant time) {
        var now = time.truncatedTo(ChronoUnit.MINUTES);
        if (!now.equals(minute)) {
            var bytes = new byte[16];
            random.nextBytes(bytes);
            long end = time.atOffset(ZoneOffset.UTC)
                            .truncatedTo(ChronoUnit.DAYS)
                            .plusDays(1)
                            .toEpochSecond()
                    + MARGIN.toSeconds();
            var mine = HexFormat.of().formatHex(bytes);
            redis.set(keys.salt(time), mine, SetParams.setParams().nx().exAt(end));
            salt = Objects.requireNonNullElse(redis.get(keys.salt(time)), mine);
            minute = now;
        }
        return salt;
    }
}
