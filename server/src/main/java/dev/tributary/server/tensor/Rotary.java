package dev.tributary.server.tensor;

/// Rotary position embedding (Su et al. 2021) in the Hugging Face layout: dimension `i` turns with
/// dimension `i + dims / 2` by the angle `position * frequency[i]`.
///
/// Sines and cosines come from [StrictMath], so that every machine rotates by the same bits; a
/// position's are computed when it is first asked for. Called by one thread.
public final class Rotary {
  private final double[] frequencies;
  private final float magnitude;
  private final float[][] tables;

  /// @param frequencies radians a position, of the `dims / 2` pairs, after any scaling
  /// @param magnitude factor on sine and cosine (YaRN's attention factor; 1 without)
  /// @param positions number of positions, at most
  public Rotary(double[] frequencies, float magnitude, int positions) {
    this.frequencies = frequencies.clone();
    this.magnitude = magnitude;
    tables = new float[positions][];
  }

  /// Dimensions that turn: the first `dims` of a head.
  public int dims() {
    return 2 * frequencies.length;
  }

  /// `dims / 2` cosines, then as many sines.
  float[] at(int position) {
    float[] table = tables[position];
    if (table == null) {
      int n = frequencies.length;
      table = new float[2 * n];
      for (int i = 0; i < n; i++) {
        // The angle is rounded to float32 first, as transformers computes it.
        double angle = (float) (position * (float) frequencies[i]);
        table[i] = (float) StrictMath.cos(angle) * magnitude;
        table[n + i] = (float) StrictMath.sin(angle) * magnitude;
      }
      tables[position] = table;
    }
    return table;
  }
}
