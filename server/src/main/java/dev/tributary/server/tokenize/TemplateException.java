package dev.tributary.server.tokenize;

/// A chat template that can't be loaded, or a conversation it can't render. While rendering, the
/// fault is the caller's (`raise_exception`, a limit, a value of the wrong kind) and the message is
/// meant for them: INVALID_ARGUMENT.
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean refusal;

  TemplateException(String message) {
    this(message, false);
  }

  private TemplateException(String message, boolean refusal) {
    super(message);
    this.refusal = refusal;
  }

  /// What the template itself says through `raise_exception`.
  static TemplateException refusal(String message) {
    return new TemplateException(message, true);
  }

  boolean isRefusal() {
    return refusal;
  }
}
