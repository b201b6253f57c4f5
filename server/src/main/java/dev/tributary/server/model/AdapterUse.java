package dev.tributary.server.model;

/// An adapter as one request uses it.
///
/// @param scale multiplies the adapter's own scaling; 1 is as trained
public record AdapterUse(LoraWeights weights, float scale) {
  /// Largest |scale| a request may ask for.
  public static final float MAX_SCALE = 8;

  public AdapterUse {
    if (!(Math.abs(scale) <= MAX_SCALE)) {
      throw new IllegalArgumentException("scale " + scale);
    }
  }
}
