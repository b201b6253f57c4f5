package dev.tributary.server;

/// A setting that cannot be; the message says where it stands.
final class ConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  ConfigException(String message) {
    super(message);
  }
}
