package dev.tributary.server.model;

/// An adapter as one request uses it.
///
/// @param scale multiplies the adapter's own scaling; 1 is as trained
/// @param digest of the adapter version; empty where the weights are nobody's version, so that
///   nothing computed under them is shared
public record AdapterUse(LoraWeights weights, float scale, String digest) {
  /// Largest |scale| a request may ask for.
  public static final float MAX_SCALE = 8;

  /// Weights that are no version: of a proof of effect, a warm-up or a measurement.
  public AdapterUse(LoraWeights weights, float scale) {
    this(weights, scale, "");
  }

  public AdapterUse {
    if (!(Math.abs(scale) <= MAX_SCALE)) {
      throw new IllegalArgumentException("scale " + scale);
    }
  }
}
