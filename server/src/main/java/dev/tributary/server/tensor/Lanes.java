package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// What the CPU kernels share: vector shapes, bfloat16 loads and stores, sums, exp.
///
/// Results must not depend on how the JVM compiles a method, so lanes are summed by a written-out
/// tree (`reduceLanes` on floats promises no order) and exp is a polynomial of ours with the same
/// steps in its scalar and vector forms (the JDK's transcendental operators promise no bits).
final class Lanes {
  /// At most 16 lanes, so that a vector never spans more than a page of the cache.
  static final VectorSpecies<Float> F =
      FloatVector.SPECIES_PREFERRED.length() > 16
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;

  static final VectorSpecies<Integer> I = F.vectorShape().withLanes(int.class);
  static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

  static final int LENGTH = F.length();

  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private static final int HALF_SIZE = 0x7fff;
  private static final int HALF_SIGN = 0x8000;

  private Lanes() {}

  /// [#LENGTH] bfloat16 values at byte `offset`.
  static FloatVector bf16(MemorySegment segment, long offset) {
    return ((IntVector)
            ShortVector.fromMemorySegment(S, segment, offset, LE)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  /// [#LENGTH] float16 values from `index`, finite.
  static FloatVector f16(short[] values, int index) {
    IntVector bits =
        (IntVector)
            ShortVector.fromArray(S, values, index)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
    // The exponents' biases differ by 112; multiplying handles subnormal values too.
    FloatVector size =
        bits.and(HALF_SIZE).lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(0x1p112f);
    return size.reinterpretAsInts()
        .or(bits.and(HALF_SIGN).lanewise(VectorOperators.LSHL, 16))
        .reinterpretAsFloats();
  }

  static FloatVector f32(MemorySegment segment, long offset) {
    return FloatVector.fromMemorySegment(F, segment, offset, LE);
  }

  static IntVector i32(MemorySegment segment, long offset) {
    return IntVector.fromMemorySegment(I, segment, offset, LE);
  }

  static void toF32(FloatVector value, MemorySegment segment, long offset) {
    value.intoMemorySegment(segment, offset, LE);
  }

  /// Rounds to bfloat16: to the nearest, ties to even. Not for NaN.
  static void toBf16(FloatVector value, MemorySegment segment, long offset) {
    IntVector bits = value.reinterpretAsInts();
    IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    bits.add(0x7fff)
        .add(odd)
        .lanewise(VectorOperators.LSHR, 16)
        .convertShape(VectorOperators.I2S, S, 0)
        .reinterpretAsShorts()
        .intoMemorySegment(segment, offset, LE);
  }

  /// Moves the upper half of the first 16, 8, 4 or 2 lanes onto the lower.
  private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(F, 8, 1, true);

  private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(F, 4, 1, true);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(F, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(F, 1, 1, true);

  /// Sum of the lanes: halves are added until one is left.
  static float sum(FloatVector v) {
    FloatVector halves = v;
    if (LENGTH == 16) {
      halves = halves.add(halves.rearrange(BY_8));
    }
    if (LENGTH >= 8) {
      halves = halves.add(halves.rearrange(BY_4));
    }
    halves = halves.add(halves.rearrange(BY_2));
    halves = halves.add(halves.rearrange(BY_1));
    return halves.lane(0);
  }

  /// The sums of the first `count` vectors of `vectors`, into `sums[at..]`.
  static void sums(float[] vectors, int count, float[] sums, int at) {
    for (int i = 0; i < count; i++) {
      sums[at + i] = sum(FloatVector.fromArray(F, vectors, i * LENGTH));
    }
  }

  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding 1.5 * 2^23 rounds a small float to the nearest integer, in its low bits.
  private static final float ROUNDER = 12582912f;
  private static final float EXP_MAX = 88f;
  private static final float EXP_MIN = -87f;
  // Cephes expf: exp(r) = 1 + r + r² p(r) on |r| <= ln 2 / 2.
  private static final float P0 = 1.9875691500e-4f;
  private static final float P1 = 1.3981999507e-3f;
  private static final float P2 = 8.3334519073e-3f;
  private static final float P3 = 4.1665795894e-2f;
  private static final float P4 = 1.6666665459e-1f;
  private static final float P5 = 5.0000001201e-1f;

  /// exp, within 2 units in the last place on [-87, 88]; arguments outside are clamped to it.
  static FloatVector exp(FloatVector value) {
    return expInRange(value.min(EXP_MAX).max(EXP_MIN));
  }

  /// The same bits on [-87, 88], anything outside: clamping costs half as much as all else.
  static FloatVector expInRange(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDER));
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(F, P0).fma(r, FloatVector.broadcast(F, P1));
    p = p.fma(r, FloatVector.broadcast(F, P2));
    p = p.fma(r, FloatVector.broadcast(F, P3));
    p = p.fma(r, FloatVector.broadcast(F, P4));
    p = p.fma(r, FloatVector.broadcast(F, P5));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector power =
        shifted
            .reinterpretAsInts()
            .sub(Float.floatToRawIntBits(ROUNDER))
            .add(127)
            .lanewise(VectorOperators.LSHL, 23);
    return p.mul(power.reinterpretAsFloats());
  }

  /// The same bits as [#exp(FloatVector)], one value at a time.
  static float exp(float value) {
    float x = Math.max(Math.min(value, EXP_MAX), EXP_MIN);
    float shifted = Math.fma(x, LOG2_E, ROUNDER);
    float n = shifted - ROUNDER;
    float r = Math.fma(n, -LN2_HIGH, x);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(P0, r, P1);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P4);
    p = Math.fma(p, r, P5);
    p = Math.fma(p, r * r, r) + 1f;
    int power = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(ROUNDER) + 127;
    return p * Float.intBitsToFloat(power << 23);
  }
}
