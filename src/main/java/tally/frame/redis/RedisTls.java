package tally.frame.redis;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import tally.frame.config.InvalidSetting;

/**
 * Whom to believe over TLS: the authorities of a PEM file, or those of the Java runtime; and only under their own name.
 */
final class RedisTls {

    /** Jedis wants a password. The store is in memory only, and holds certificates, which are public. */
    private static final char[] NO_SECRET = "public".toCharArray();

    private RedisTls() {}

    /**
     * {@code authorities} is a PEM file; empty for the runtime's own. One that holds none is {@link InvalidSetting}.
     */
    static SslOptions trusting(String authorities) {
        var options = SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL);
        if (!authorities.isEmpty()) {
            var store = store(Path.of(authorities));
            options.truststore(() -> new ByteArrayInputStream(store), NO_SECRET);
        }
        return options.build();
    }

    /** The certificates of a PEM file as a key store, the one form that Jedis takes. */
    private static byte[] store(Path file) {
        try (var text = Files.newInputStream(file)) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(text)) {
                store.setCertificateEntry(Integer.toString(store.size()), certificate);
            }
            if (store.size() == 0) {
                throw new IOException("there is none");
            }
            var bytes = new ByteArrayOutputStream();
            store.store(bytes, NO_SECRET);
            return bytes.toByteArray();
        } catch (IOException | GeneralSecurityException unreadable) {
            throw new InvalidSetting(
                    "redis.tls-ca: can't read a certificate from the file '" + file + "': " + unreadable.getMessage());
        }
    }
}
