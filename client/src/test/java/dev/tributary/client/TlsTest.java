package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Server;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A server that wants to see a certificate, both sides with ones that the JDK's keytool makes.
class TlsTest {
  @TempDir private static Path folder;
  private static FakeServer services;
  private static Server server;

  @BeforeAll
  static void start() throws Exception {
    makeIdentity("server");
    makeIdentity("client");
    services = new FakeServer();
    server =
        services.listen(
            0,
            TlsServerCredentials.newBuilder()
                .keyManager(pem("server.crt").toFile(), pem("server.key").toFile())
                .trustManager(pem("client.crt").toFile())
                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                .build());
  }

  @AfterAll
  static void stop() {
    server.shutdownNow();
    services.close();
  }

  private static Path pem(String name) {
    return folder.resolve(name);
  }

  /// Makes NAME.crt and NAME.key.
  private static void makeIdentity(String name) throws Exception {
    Path store = folder.resolve(name + ".p12");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-genkeypair",
            "-alias",
            "x",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-dname",
            "CN=" + name,
            "-ext",
            "san=ip:127.0.0.1",
            "-validity",
            "2",
            "-storetype",
            "PKCS12",
            "-keystore",
            store.toString(),
            "-storepass",
            "changeit");
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said =
        new String(
            keytool.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).as(said).isZero();
    char[] password = "changeit".toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, password);
    }
    Certificate certificate = Objects.requireNonNull(keys.getCertificate("x"));
    Key key = Objects.requireNonNull(keys.getKey("x", password));
    write(pem(name + ".crt"), "CERTIFICATE", certificate.getEncoded());
    write(pem(name + ".key"), "PRIVATE KEY", key.getEncoded());
  }

  private static void write(Path file, String kind, byte[] bytes) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
    Files.writeString(
        file, "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n".formatted(kind, body));
  }

  private static TributaryClient connect(ClientOptions options) throws IOException {
    return TributaryClient.connect("127.0.0.1:" + server.getPort(), options);
  }

  @Test
  void connect_withACertificate_isLetIn() throws IOException {
    ClientOptions options =
        ClientOptions.defaults()
            .withTlsCa(pem("server.crt"))
            .withTlsIdentity(pem("client.crt"), pem("client.key"));
    try (TributaryClient client = connect(options)) {
      assertThat(client.model().getBaseName()).isEqualTo("Tiny-Llama");
    }
  }

  @Test
  void connect_withoutACertificate_isNot() throws IOException {
    try (TributaryClient client = connect(ClientOptions.defaults().withTlsCa(pem("server.crt")))) {
      TributaryException failure = catchThrowableOfType(TributaryException.class, client::model);
      assertThat(failure.isTransient()).isTrue();
    }
  }

  @Test
  void connect_toAServerThatIsNotTrusted_fails() throws IOException {
    ClientOptions options =
        ClientOptions.defaults()
            .withTlsCa(pem("client.crt"))
            .withTlsIdentity(pem("client.crt"), pem("client.key"));
    try (TributaryClient client = connect(options)) {
      assertThat(catchThrowableOfType(TributaryException.class, client::model)).isNotNull();
    }
  }

  @Test
  void connect_withAKeyThatIsNone_saysSo() {
    ClientOptions options =
        ClientOptions.defaults().withTlsIdentity(pem("client.crt"), pem("client.crt"));
    assertThatThrownBy(() -> connect(options)).isInstanceOf(IOException.class);
    assertThat(options.toString()).contains("client.crt");
  }
}
