package dev.tributary.server.rpc;

/// A source that the base cannot be measured against.
public final class SourceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient SourceRefusal refusal;

  public SourceException(SourceRefusal refusal) {
    super(refusal.message());
    this.refusal = refusal;
  }

  SourceRefusal refusal() {
    return refusal;
  }
}
