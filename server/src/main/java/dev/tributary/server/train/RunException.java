package dev.tributary.server.train;

/// A stored run is refused; see [#refusal].
public final class RunException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient RunRefusal refusal;

  RunException(RunRefusal refusal) {
    super(refusal.message());
    this.refusal = refusal;
  }

  public RunRefusal refusal() {
    return refusal;
  }
}
