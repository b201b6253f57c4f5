package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;

/// One worker's scratch memory, grown on demand and reused from step to step.
final class Scratch {
  /// Bytes of a cache line.
  private static final int LINE = 64;

  private final float[] lanes = new float[Lanes.LENGTH];
  private final float[] tile = new float[16 * Lanes.LENGTH];
  private float[] floats = new float[0];
  private Bytes bytes = Bytes.allocate(0);

  /// Keeps the compiler from dropping the reads of [#fetch].
  private int fetched;

  /// At least `length` floats with any content; the same array until a longer one is asked for.
  float[] floats(int length) {
    if (floats.length < length) {
      floats = new float[Math.max(length, 2 * floats.length)];
    }
    return floats;
  }

  /// A float32 matrix with any content. Unlike arrays it begins at a cache line, so that its
  /// vectors span no two where rows are whole lines.
  Matrix matrix(int rows, int cols) {
    return new Matrix(bytes((long) rows * cols * Float.BYTES), DType.F32, rows, cols);
  }

  /// Brings `matrix` into the core's cache: a loop that only reads runs at the speed of the memory,
  /// one that also computes waits for it.
  void fetch(Matrix matrix) {
    MemorySegment values = matrix.data().segment();
    int size = Math.toIntExact(values.byteSize());
    IntVector seen = IntVector.zero(Lanes.I);
    for (int at = 0; at + 4 * LINE <= size; at += 4 * LINE) {
      seen =
          Lanes.i32(values, at)
              .or(Lanes.i32(values, at + LINE))
              .or(Lanes.i32(values, at + 2 * LINE))
              .or(Lanes.i32(values, at + 3 * LINE))
              .or(seen);
    }
    fetched = seen.lane(0);
  }

  /// At least `size` bytes with any content, aligned to 64; the memory of [#matrix], too.
  Bytes bytes(long size) {
    if (bytes.size() < size) {
      bytes = Bytes.allocate(Math.max(size, 2 * bytes.size()));
    }
    return bytes;
  }

  /// Room for 16 vectors.
  float[] tile() {
    return tile;
  }

  /// Room for one vector.
  float[] lanes() {
    return lanes;
  }
}
