package dev.tributary.server.adapter;

import org.jspecify.annotations.Nullable;

/// An adapter is refused; see [#refusal].
public final class AdapterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient AdapterRefusal refusal;

  AdapterException(AdapterRefusal refusal) {
    super(refusal.message());
    this.refusal = refusal;
  }

  AdapterException(AdapterRefusal refusal, @Nullable Throwable cause) {
    super(refusal.message(), cause);
    this.refusal = refusal;
  }

  public AdapterRefusal refusal() {
    return refusal;
  }
}
