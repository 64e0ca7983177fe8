package tally.frame.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tally.dev.LocalRedis;
import tally.frame.config.InvalidSetting;
import tally.support.Eventually;
import tally.support.TestTally;

/** Against a Redis with a self-made certificate, which is of localhost and of no other name. */
class RedisTlsTest {

    @TempDir
    private static Path folder;

    private static Path certificate;
    private static LocalRedis redis;
    private static int port;

    @BeforeAll
    static void start() throws Exception {
        certificate = folder.resolve("certificate.pem");
        var key = folder.resolve("key.pem");
        makeCertificate(certificate, key);
        port = LocalRedis.freePort();
        redis = new LocalRedis(
                folder,
                "--tls-port",
                Integer.toString(port),
                "--tls-cert-file",
                certificate.toString(),
                "--tls-key-file",
                key.toString(),
                "--tls-ca-cert-file",
                certificate.toString(),
                "--tls-auth-clients",
                "no");
    }

    @AfterAll
    static void stop() {
        redis.close();
    }

    @Test
    void redisIsAskedOverTls() {
        try (var service =
                TestTally.start("localhost", port, "--redis-tls", "--redis-tls-ca", certificate.toString())) {
            Eventually.isTrue(
                    "counts, once the code for it is there",
                    () -> service.write().isDone());
            long before = service.write().number();
            assertThat(service.write().number()).isEqualTo(before + 1);
        }
    }

    @Test
    void anAddressWithRedissMeansTls() {
        try (var service =
                TestTally.at("rediss://localhost:" + port + "/1", "--redis-tls-ca", certificate.toString())) {
            assertThat(service.write().number()).isPositive();
        }
    }

    @Test
    void aCertificateOfAnotherHostIsRefused() {
        assertRefused("127.0.0.1", "--redis-tls", "--redis-tls-ca", certificate.toString());
    }

    @Test
    void aCertificateOfAnUnknownAuthorityIsRefused() {
        assertRefused("localhost", "--redis-tls");
    }

    @Test
    void authoritiesThatCanNotBeReadAreNamedAtTheStart() throws IOException {
        var empty = Files.writeString(folder.resolve("empty.pem"), "").toString();
        assertThatThrownBy(() -> TestTally.start("localhost", port, "--redis-tls", "--redis-tls-ca", empty))
                .isInstanceOf(InvalidSetting.class)
                .hasMessageStartingWith("redis.tls-ca: can't read a certificate from the file '" + empty + "'");
        assertThatThrownBy(() -> TestTally.start("localhost", port, "--redis-tls", "--redis-tls-ca", "/nowhere"))
                .isInstanceOf(InvalidSetting.class)
                .hasMessageStartingWith("redis.tls-ca: can't read a certificate from the file '/nowhere'");
    }

    private static void assertRefused(String host, String... flags) {
        try (var service = TestTally.start(host, port, flags)) {
            assertThat(service.get("/").status()).isEqualTo(503);
            assertThat(service.get("/health").json().at("/redis/error").asText())
                    .isEqualTo("Redis' certificate is not trusted, or not of this host");
        }
    }

    private static void makeCertificate(Path certificate, Path key)
            throws IOException, InterruptedException, GeneralSecurityException {
        var file = folder.resolve("store.p12");
        var password = "changeit";
        var keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "redis",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        password,
                        "-keystore",
                        file.toString())
                .inheritIO()
                .start();
        assertThat(keytool.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(keytool.exitValue()).isZero();
        var store = KeyStore.getInstance(file.toFile(), password.toCharArray());
        writePem(certificate, "CERTIFICATE", store.getCertificate("redis").getEncoded());
        writePem(
                key,
                "PRIVATE KEY",
                store.getKey("redis", password.toCharArray()).getEncoded());
    }

    private static void writePem(Path file, String what, byte[] content) {
        try {
            Files.writeString(
                    file,
                    "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                            .formatted(what, Base64.getMimeEncoder().encodeToString(content), what));
        } catch (IOException full) {
            throw new UncheckedIOException(full);
        }
    }
}
