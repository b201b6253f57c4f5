package dev.tributary.server.tokenize;

/// Tokenizer metadata or files that are missing, malformed or of a kind that isn't supported. The
/// message names the key or file.
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TokenizerException(String message) {
    super(message);
  }

  public TokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
