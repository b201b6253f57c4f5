package dev.tributary.server.train;

/// A file of contributions is refused; see [#refusal].
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient DataRefusal refusal;

  DataException(DataRefusal refusal) {
    super(refusal.message());
    this.refusal = refusal;
  }

  public DataRefusal refusal() {
    return refusal;
  }
}
