package dev.tributary.server.rpc;

import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.CertificateUtils;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Where the server's certificate is, and whose certificates it takes from clients; PEM files.
///
/// @param certificates the server's own, then those that lead to its root
/// @param key of the first certificate: PKCS #8, not encrypted
/// @param clientRoots clients must show a certificate that leads to one of these; null asks for
///   none
public record TlsFiles(Path certificates, Path key, @Nullable Path clientRoots) {
  private static final int MAX_BYTES = 1 << 20;
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  /// What the files hold at one moment.
  record Content(byte[] certificates, byte[] key, byte @Nullable [] clientRoots) {
    boolean same(Content other) {
      return Arrays.equals(certificates, other.certificates)
          && Arrays.equals(key, other.key)
          && Arrays.equals(clientRoots, other.clientRoots);
    }
  }

  /// Finds out whether the files make a working server, before anything slow is begun.
  ///
  /// @throws IOException with a text for the user if not
  public void check() throws IOException {
    var unused = context(read());
  }

  Content read() throws IOException {
    return new Content(
        read(certificates), read(key), clientRoots == null ? null : read(clientRoots));
  }

  /// @throws IOException with a text for the user if the files don't make a working server
  SslContext context(Content content) throws IOException {
    X509Certificate[] chain = chain(content.certificates(), certificates);
    PrivateKey secret;
    try {
      secret = CertificateUtils.getPrivateKey(new ByteArrayInputStream(content.key()));
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw new IOException(
          key
              + " holds no private key in PKCS #8 (\"BEGIN PRIVATE KEY\"); openssl pkcs8 -topk8"
              + " -nocrypt makes one of another",
          e);
    }
    if (!belong(chain[0], secret)) {
      throw new IOException(key + " is not the key of the first certificate in " + certificates);
    }
    try {
      SslContextBuilder builder =
          GrpcSslContexts.configure(SslContextBuilder.forServer(secret, chain))
              .protocols(PROTOCOLS);
      if (content.clientRoots() != null && clientRoots != null) {
        builder
            .trustManager(chain(content.clientRoots(), clientRoots))
            .clientAuth(ClientAuth.REQUIRE);
      }
      return builder.build();
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException("the certificates in " + certificates + " can't be used: " + e, e);
    }
  }

  private static X509Certificate[] chain(byte[] pem, Path file) throws IOException {
    X509Certificate[] chain;
    try {
      chain = CertificateUtils.getX509Certificates(new ByteArrayInputStream(pem));
    } catch (GeneralSecurityException e) {
      throw new IOException(file + " holds no certificates in PEM", e);
    }
    if (chain.length == 0) {
      throw new IOException(file + " holds no certificates in PEM");
    }
    return chain;
  }

  /// Whether what the key signs the certificate verifies.
  private static boolean belong(X509Certificate certificate, PrivateKey key) {
    byte[] text = {1, 2, 3};
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      // A key of another kind than the certificate's.
      return false;
    }
  }

  private static byte[] read(Path file) throws IOException {
    long size;
    byte[] content;
    try {
      size = Files.size(file);
      content = size > MAX_BYTES ? new byte[0] : Files.readAllBytes(file);
    } catch (IOException e) {
      throw new IOException(file + " can't be read: " + e, e);
    }
    if (size > MAX_BYTES) {
      throw new IOException(file + " is too large for certificates");
    }
    return content;
  }
}
