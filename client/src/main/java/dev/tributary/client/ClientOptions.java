package dev.tributary.client;

import java.nio.file.Path;
import java.util.Optional;

/// How to reach a server.
///
/// @param apiKey sent as `authorization: Bearer KEY` with every call
/// @param tlsCa PEM file of the certificates to trust instead of the system's
/// @param tlsIdentity who the client is, for a server that asks (mTLS). Connects by TLS if this or
///   `tlsCa` is present, else in plain text
public record ClientOptions(
    Optional<String> apiKey, Optional<Path> tlsCa, Optional<TlsIdentity> tlsIdentity) {
  /// A client's certificate.
  ///
  /// @param certificates PEM file: the client's own, then those that lead to its authority
  /// @param key PEM file of the private key, PKCS#8, not encrypted
  public record TlsIdentity(Path certificates, Path key) {}

  public ClientOptions {
    apiKey.ifPresent(ClientOptions::requireHeaderText);
  }

  /// No key, plain text: a server on this machine.
  public static ClientOptions defaults() {
    return new ClientOptions(Optional.empty(), Optional.empty(), Optional.empty());
  }

  public ClientOptions withApiKey(String key) {
    return new ClientOptions(Optional.of(key), tlsCa, tlsIdentity);
  }

  public ClientOptions withTlsCa(Path certificates) {
    return new ClientOptions(apiKey, Optional.of(certificates), tlsIdentity);
  }

  public ClientOptions withTlsIdentity(Path certificates, Path key) {
    return new ClientOptions(apiKey, tlsCa, Optional.of(new TlsIdentity(certificates, key)));
  }

  private static void requireHeaderText(String key) {
    if (key.isEmpty() || !key.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException("an API key is one word of printable ASCII");
    }
  }

  /// Without the key.
  @Override
  public String toString() {
    return "ClientOptions[apiKey=%s, tlsCa=%s, tlsIdentity=%s]"
        .formatted(apiKey.map(key -> "***"), tlsCa, tlsIdentity);
  }
}
