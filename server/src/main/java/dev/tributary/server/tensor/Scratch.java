package dev.tributary.server.tensor;

/// One worker's scratch memory, grown on demand and reused from step to step.
final class Scratch {
  private final float[] lanes = new float[Lanes.LENGTH];
  private float[] floats = new float[0];
  private short[] shorts = new short[0];
  private Bytes bytes = Bytes.allocate(0);

  /// At least `length` floats with any content; the same array until a longer one is asked for.
  float[] floats(int length) {
    if (floats.length < length) {
      floats = new float[Math.max(length, 2 * floats.length)];
    }
    return floats;
  }

  /// At least `length` shorts with any content.
  short[] shorts(int length) {
    if (shorts.length < length) {
      shorts = new short[Math.max(length, 2 * shorts.length)];
    }
    return shorts;
  }

  /// At least `size` bytes with any content, aligned to 64.
  Bytes bytes(long size) {
    if (bytes.size() < size) {
      bytes = Bytes.allocate(size);
    }
    return bytes;
  }

  /// Room for one vector.
  float[] lanes() {
    return lanes;
  }
}
