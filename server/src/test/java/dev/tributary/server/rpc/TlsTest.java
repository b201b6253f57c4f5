package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.state.Role;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Over real connections.
@Timeout(60)
class TlsTest {
  @TempDir private Path folder;
  @TempDir private Path data;
  @TempDir private Path pki;
  private X509Bundle authority;
  private X509Bundle clients;
  private TlsFiles files;
  private @Nullable RpcFixture fixture;

  @BeforeEach
  void makeCertificates() throws Exception {
    authority = Certificates.authority("servers");
    clients = Certificates.authority("clients");
    files = new TlsFiles(pki.resolve("cert.pem"), pki.resolve("key.pem"), null);
    Certificates.write(Certificates.server(authority, "first"), files);
  }

  @AfterEach
  void stop() {
    if (fixture != null) {
      fixture.close();
    }
  }

  @Test
  void tls_answersThoseWhoTrustItsRootAndHaveAKey() throws Exception {
    RpcFixture server = start(files);
    String key = server.key("acme", Role.USER);
    assertThat(answer(authority, null, key)).isEqualTo("a");
    var unused = refused(Status.Code.UNAUTHENTICATED, () -> answer(authority, null, "wrong"));
    unused = refused(Status.Code.UNAVAILABLE, () -> answer(clients, null, key));
  }

  @Test
  void plainText_getsNothingFromATlsPort() throws Exception {
    RpcFixture server = start(files);
    ManagedChannel plain =
        NettyChannelBuilder.forAddress("127.0.0.1", server.server.boundPort())
            .usePlaintext()
            .build();
    try {
      var unused =
          refused(
              Status.Code.UNAVAILABLE,
              () -> InferenceGrpc.newBlockingStub(plain).generateOnce(say("a").build()));
    } finally {
      plain.shutdownNow();
    }
    try (Socket socket = new Socket("127.0.0.1", server.server.boundPort())) {
      socket
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readNBytes(100), StandardCharsets.ISO_8859_1))
          .doesNotContain("HTTP");
    }
    assertThat(answer(authority, null, server.key("acme", Role.USER))).isEqualTo("a");
  }

  @Test
  void newFiles_areTakenForNewConnectionsWhileOldOnesGoOn() throws Exception {
    RpcFixture server = start(files);
    String key = server.key("acme", Role.USER);
    ManagedChannel old = channel(authority, null);
    try {
      assertThat(answer(old, key)).isEqualTo("a");
      X509Bundle next = Certificates.authority("next");
      Certificates.write(Certificates.server(next, "second"), files);
      assertThat(answer(authority, null, key)).as("not looked at yet").isEqualTo("a");
      Objects.requireNonNull(server.tls).reload();

      assertThat(answer(next, null, key)).isEqualTo("a");
      var unused = refused(Status.Code.UNAVAILABLE, () -> answer(authority, null, key));
      assertThat(answer(old, key)).as("on the connection that was there").isEqualTo("a");
    } finally {
      old.shutdownNow();
    }
  }

  @Test
  void aRenewedCertificateOfTheSameKey_isTaken() throws Exception {
    RpcFixture server = start(files);
    String key = server.key("acme", Role.USER);
    X509Bundle first = Certificates.server(authority, "first");
    Certificates.write(first, files);
    Objects.requireNonNull(server.tls).reload();
    X509Bundle next = Certificates.authority("next");
    X509Bundle renewed =
        new CertificateBuilder()
            .subject("CN=renewed")
            .addSanIpAddress("127.0.0.1")
            .publicKey(first.getKeyPair().getPublic())
            .buildIssuedBy(next);
    Files.writeString(files.certificates(), renewed.getCertificatePathPEM());
    Objects.requireNonNull(server.tls).reload();
    assertThat(answer(next, null, key)).isEqualTo("a");
  }

  @Test
  void brokenNewFiles_leaveTheOldInUse() throws Exception {
    RpcFixture server = start(files);
    String key = server.key("acme", Role.USER);
    ReloadingTls tls = Objects.requireNonNull(server.tls);
    String certificate = Files.readString(files.certificates());
    String secret = Files.readString(files.key());
    for (String broken : new String[] {"", "nonsense", certificate.substring(0, 200)}) {
      Files.writeString(files.certificates(), broken);
      tls.reload();
      assertThat(answer(authority, null, key)).isEqualTo("a");
    }
    Files.writeString(files.certificates(), certificate);
    // Of another certificate: half of a change, seen too early.
    Files.writeString(files.key(), Certificates.server(authority, "other").getPrivateKeyPEM());
    tls.reload();
    assertThat(answer(authority, null, key)).isEqualTo("a");
    Files.delete(files.key());
    tls.reload();
    assertThat(answer(authority, null, key)).isEqualTo("a");

    Files.writeString(files.key(), secret);
    X509Bundle next = Certificates.authority("next");
    Certificates.write(Certificates.server(next, "second"), files);
    tls.reload();
    assertThat(answer(next, null, key)).as("still looks").isEqualTo("a");
  }

  @Test
  void mutualTls_refusesThoseWithoutACertificateOfTheRoots() throws Exception {
    Path roots = Certificates.root(clients, pki.resolve("clients.pem"));
    RpcFixture server = start(new TlsFiles(files.certificates(), files.key(), roots));
    String key = server.key("acme", Role.USER);
    X509Bundle mine = Certificates.client(clients);

    assertThat(answer(authority, mine, key)).isEqualTo("a");
    var unused = refused(Status.Code.UNAVAILABLE, () -> answer(authority, null, key));
    X509Bundle foreign = Certificates.client(Certificates.authority("foreign"));
    unused = refused(Status.Code.UNAVAILABLE, () -> answer(authority, foreign, key));
    unused = refused(Status.Code.UNAUTHENTICATED, () -> answer(authority, mine, "wrong"));

    // Another root: who was let in before is out, session tickets or not.
    X509Bundle next = Certificates.authority("next clients");
    var file = Certificates.root(next, roots);
    Objects.requireNonNull(server.tls).reload();
    unused = refused(Status.Code.UNAVAILABLE, () -> answer(authority, mine, key));
    assertThat(answer(authority, Certificates.client(next), key)).isEqualTo("a");
    assertThat(file).exists();
  }

  @Test
  void aStartWithFilesThatDoNotWork_saysWhichAndWhy() throws Exception {
    Files.writeString(files.key(), "nonsense");
    assertThatThrownBy(() -> new ReloadingTls(files))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("key.pem")
        .hasMessageContaining("PKCS #8");
    Files.writeString(files.key(), Certificates.server(authority, "other").getPrivateKeyPEM());
    assertThatThrownBy(() -> new ReloadingTls(files))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is not the key of the first certificate");
    Files.writeString(files.certificates(), "nonsense");
    assertThatThrownBy(files::check)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cert.pem holds no certificates");
  }

  private RpcFixture start(TlsFiles tls) {
    RpcFixture started =
        new RpcFixture(
            folder, data, RpcFixture.Options.NETTY, new RpcFixture.Reach(false, null, tls));
    started.server.serve();
    fixture = started;
    return started;
  }

  private ManagedChannel channel(X509Bundle trusted, @Nullable X509Bundle own) throws Exception {
    SslContextBuilder context = GrpcSslContexts.forClient().trustManager(trusted.getCertificate());
    if (own != null) {
      context.keyManager(own.getKeyPair().getPrivate(), own.getCertificatePath());
    }
    return NettyChannelBuilder.forAddress(
            "127.0.0.1", Objects.requireNonNull(fixture).server.boundPort())
        .sslContext(context.build())
        .build();
  }

  /// On a connection of its own.
  private String answer(X509Bundle trusted, @Nullable X509Bundle own, String key) throws Exception {
    ManagedChannel channel = channel(trusted, own);
    try {
      return answer(channel, key);
    } finally {
      channel.shutdownNow();
    }
  }

  private static String answer(ManagedChannel channel, String key) throws StatusRuntimeException {
    return InferenceGrpc.newBlockingStub(channel)
        .withInterceptors(bearer(key))
        .generateOnce(say("a").build())
        .getText();
  }
}
