package dev.tributary.client;

import java.nio.file.Path;
import java.util.Optional;

/// How to reach a server.
///
/// @param apiKey sent as `authorization: Bearer KEY` with every call
/// @param tlsCa PEM file of the certificates to trust; connects by TLS if present, else in plain
///   text
public record ClientOptions(Optional<String> apiKey, Optional<Path> tlsCa) {
  public ClientOptions {
    apiKey.ifPresent(ClientOptions::requireHeaderText);
  }

  /// No key, plain text: a server on this machine.
  public static ClientOptions defaults() {
    return new ClientOptions(Optional.empty(), Optional.empty());
  }

  public ClientOptions withApiKey(String key) {
    return new ClientOptions(Optional.of(key), tlsCa);
  }

  public ClientOptions withTlsCa(Path certificates) {
    return new ClientOptions(apiKey, Optional.of(certificates));
  }

  private static void requireHeaderText(String key) {
    if (key.isEmpty() || !key.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException("an API key is one word of printable ASCII");
    }
  }

  /// Without the key.
  @Override
  public String toString() {
    return "ClientOptions[apiKey=%s, tlsCa=%s]".formatted(apiKey.map(key -> "***"), tlsCa);
  }
}
