package dev.tributary.server.model;

/// A model that can't be served as it was meant: an unknown architecture, a key that would change
/// what it computes, a tensor that is missing or does not fit. The message names it.
public final class ModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ModelException(String message) {
    super(message);
  }
}
