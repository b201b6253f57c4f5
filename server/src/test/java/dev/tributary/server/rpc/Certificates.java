package dev.tributary.server.rpc;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Certificates for tests, and the files that the server reads them from.
final class Certificates {
  private Certificates() {}

  static X509Bundle authority(String name) throws Exception {
    return new CertificateBuilder()
        .ecp256()
        .subject("CN=" + name)
        .setIsCertificateAuthority(true)
        .buildSelfSigned();
  }

  /// For `localhost` and 127.0.0.1.
  static X509Bundle server(X509Bundle authority, String name) throws Exception {
    return new CertificateBuilder()
        .ecp256()
        .subject("CN=" + name)
        .addSanDnsName("localhost")
        .addSanIpAddress("127.0.0.1")
        .addExtendedKeyUsageServerAuth()
        .buildIssuedBy(authority);
  }

  static X509Bundle client(X509Bundle authority) throws Exception {
    return new CertificateBuilder()
        .rsa2048()
        .subject("CN=client")
        .addExtendedKeyUsageClientAuth()
        .buildIssuedBy(authority);
  }

  static void write(X509Bundle bundle, TlsFiles files) throws IOException {
    Files.writeString(files.certificates(), bundle.getCertificatePathPEM());
    Files.writeString(files.key(), bundle.getPrivateKeyPEM());
  }

  static Path root(X509Bundle authority, Path file) throws IOException {
    return Files.writeString(file, authority.getCertificatePEM());
  }
}
