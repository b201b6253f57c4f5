package dev.tributary.server.engine;

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter in,
/// random bits out. There is no state to share, so what one request draws can't depend on others.
final class Philox {
  private static final int ROUNDS = 10;
  private static final int M0 = 0xD2511F53;
  private static final int M1 = 0xCD9E8D57;

  /// The golden ratio and sqrt(3) - 1, as 32-bit fractions.
  private static final int W0 = 0x9E3779B9;

  private static final int W1 = 0xBB67AE85;

  private Philox() {}

  /// Four random words of a counter and a key.
  static int[] block(int c0, int c1, int c2, int c3, int k0, int k1) {
    for (int i = 0; i < ROUNDS; i++) {
      long p0 = Integer.toUnsignedLong(M0) * Integer.toUnsignedLong(c0);
      long p1 = Integer.toUnsignedLong(M1) * Integer.toUnsignedLong(c2);
      c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      c1 = (int) p1;
      c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c3 = (int) p0;
      k0 += W0;
      k1 += W1;
    }
    return new int[] {c0, c1, c2, c3};
  }

  /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
  static double uniform(long seed, int position) {
    int[] words = block(position, 0, 0, 0, (int) seed, (int) (seed >>> 32));
    long bits = Integer.toUnsignedLong(words[1]) << 32 | Integer.toUnsignedLong(words[0]);
    return (bits >>> 11) * 0x1p-53;
  }
}
