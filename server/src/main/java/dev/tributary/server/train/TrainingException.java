package dev.tributary.server.train;

/// What was asked of runs is refused; see [#refusal].
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient TrainingRefusal refusal;

  TrainingException(TrainingRefusal refusal) {
    super(refusal.message());
    this.refusal = refusal;
  }

  public TrainingRefusal refusal() {
    return refusal;
  }
}
