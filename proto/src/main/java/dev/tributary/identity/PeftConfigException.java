package dev.tributary.identity;

/// An `adapter_config.json` is malformed, or asks for what is not supported; the message starts
/// with the key.
public final class PeftConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String key;

  PeftConfigException(String key, String reason) {
    super((key.isEmpty() ? "adapter_config.json" : key) + ": " + reason);
    this.key = key;
  }

  PeftConfigException(String key, String reason, Throwable cause) {
    super((key.isEmpty() ? "adapter_config.json" : key) + ": " + reason, cause);
    this.key = key;
  }

  /// The configuration's key; empty for the file as a whole.
  public String key() {
    return key;
  }
}
