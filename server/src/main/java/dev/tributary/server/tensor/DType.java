package dev.tributary.server.tensor;

/// Element types of a [Matrix].
public enum DType {
  F32(4),
  BF16(2);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /// Bytes an element.
  public int bytes() {
    return bytes;
  }
}
