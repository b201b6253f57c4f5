package dev.tributary.server.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// Writes GGUF files for tests, right and wrong ones.
final class GgufFile {
  static final int U8 = 0;
  static final int U32 = 4;
  static final int BOOL = 7;
  static final int STRING = 8;
  static final int ARRAY = 9;
  static final int U64 = 10;
  static final int ALIGNMENT = 32;

  private final ByteArrayOutputStream header = new ByteArrayOutputStream();
  private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
  private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private long pairCount;
  private long tensorCount;

  static byte[] u32(long value) {
    return number(4).putInt((int) value).array();
  }

  static byte[] u64(long value) {
    return number(8).putLong(value).array();
  }

  private static ByteBuffer number(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static byte[] string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return join(u64(utf8.length), utf8);
  }

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    Arrays.stream(parts).forEach(all::writeBytes);
    return all.toByteArray();
  }

  GgufFile pair(String key, int type, byte[] value) {
    pairs.writeBytes(join(string(key), u32(type), value));
    pairCount++;
    return this;
  }

  /// A tensor that is right: its data follows that of the tensor before.
  GgufFile tensor(String name, TensorType type, List<Integer> innermostFirst, byte[] bytes) {
    while (data.size() % ALIGNMENT != 0) {
      data.write(0);
    }
    entry(name, ggmlId(type), innermostFirst.stream().mapToLong(i -> i).toArray(), data.size());
    data.writeBytes(bytes);
    return this;
  }

  static int ggmlId(TensorType type) {
    for (int id = 0; id < 64; id++) {
      try {
        if (TensorType.of(id) == type) {
          return id;
        }
      } catch (IllegalArgumentException e) {
        // Not this one.
      }
    }
    throw new AssertionError(type);
  }

  /// A tensor's entry as it stands, without data.
  GgufFile entry(String name, long type, long[] innermostFirst, long offset) {
    entries.writeBytes(join(string(name), u32(innermostFirst.length)));
    for (long dimension : innermostFirst) {
      entries.writeBytes(u64(dimension));
    }
    entries.writeBytes(join(u32(type), u64(offset)));
    tensorCount++;
    return this;
  }

  GgufFile data(int bytes) {
    data.writeBytes(new byte[bytes]);
    return this;
  }

  byte[] bytes() {
    return bytes(3, tensorCount, pairCount);
  }

  byte[] bytes(int version, long tensors, long keys) {
    header.reset();
    header.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    header.writeBytes(join(u32(version), u64(tensors), u64(keys)));
    header.writeBytes(pairs.toByteArray());
    header.writeBytes(entries.toByteArray());
    while (header.size() % ALIGNMENT != 0) {
      header.write(0);
    }
    header.writeBytes(data.toByteArray());
    return header.toByteArray();
  }
}
