package dev.tributary.server.ledger;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A leaf as a segment has it: `u32 length, u32 back, u64 index, u32 CRC-32C`, then the leaf; all
/// big-endian, the checksum over everything else.
///
/// @param index of the leaf
/// @param back how many leaves of the same batch precede it; those before were forced when this
///   frame was written
/// @param leaf 1 to 65,535 bytes; a length of 0 is where nothing was written yet
record Frame(long index, int back, byte[] leaf) {
  static final int HEADER = 20;
  private static final int CHECKED = 16;

  /// The first leaf of the batch.
  long batch() {
    return index - back;
  }

  static int bytes(byte[] leaf) {
    return HEADER + leaf.length;
  }

  void put(ByteBuffer out) {
    ByteBuffer head = out.slice(out.position(), CHECKED);
    out.putInt(leaf.length).putInt(back).putLong(index);
    CRC32C sum = new CRC32C();
    sum.update(head);
    sum.update(leaf);
    out.putInt((int) sum.getValue()).put(leaf);
  }

  /// The length that a frame at `at` says its leaf has; 0 if none begins there.
  static int length(byte[] bytes, int at) {
    if (at + HEADER > bytes.length) {
      return 0;
    }
    int length = ByteBuffer.wrap(bytes).getInt(at);
    return length < 0 || length > Log.MAX_LEAF ? 0 : length;
  }

  /// The frame at `at`; null if there is no whole and sound one.
  static @Nullable Frame of(byte[] bytes, int at) {
    int length = length(bytes, at);
    if (length == 0 || at + HEADER + length > bytes.length) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CRC32C sum = new CRC32C();
    sum.update(bytes, at, CHECKED);
    sum.update(bytes, at + HEADER, length);
    if (in.getInt(at + CHECKED) != (int) sum.getValue()) {
      return null;
    }
    byte[] leaf = new byte[length];
    in.get(at + HEADER, leaf);
    return new Frame(in.getLong(at + 2 * Integer.BYTES), in.getInt(at + Integer.BYTES), leaf);
  }
}
