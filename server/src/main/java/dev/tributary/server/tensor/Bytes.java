package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// A region of off-heap memory, mapped from a file or allocated, little-endian and bounds checked.
///
/// It lives as long as a `Bytes` (or a slice of it) is reachable. Every access outside the region
/// throws [IndexOutOfBoundsException], and so does every access of the host to a region that lies
/// in a GPU's memory, which only [#copyFrom] and kernels reach. Offsets and sizes are in bytes;
/// values need no alignment.
public final class Bytes {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Cache lines and the widest vectors are 64 bytes.
  private static final long ALIGNMENT = 64;

  /// Empty where the region lies in a GPU's memory.
  private final MemorySegment segment;

  private final @Nullable DeviceMemory device;

  /// Whether a GPU's pool of adapters has a copy of the region.
  private volatile boolean pooled;

  private Bytes(MemorySegment segment) {
    this.segment = segment;
    device = null;
  }

  /// A region of a GPU's memory.
  Bytes(DeviceMemory device) {
    segment = MemorySegment.NULL;
    this.device = device;
  }

  boolean isPooled() {
    return pooled;
  }

  void pooled(boolean now) {
    pooled = now;
  }

  /// Memory of the host that something else allocated.
  static Bytes of(MemorySegment segment) {
    return new Bytes(segment);
  }

  /// Zeroed memory of `size` bytes, aligned to 64.
  public static Bytes allocate(long size) {
    return new Bytes(Arena.ofAuto().allocate(Math.max(size, 1), ALIGNMENT).asSlice(0, size));
  }

  /// Zeroed memory that the system hands out only as it is first touched: for large regions of
  /// which much may never be used.
  public static Bytes reserve(long size) {
    return reserve(size, Arena.ofAuto());
  }

  /// Likewise, until `arena` is closed.
  static Bytes reserve(long size, Arena arena) {
    return new Bytes(CLibrary.allocateZeroed(size, ALIGNMENT, arena));
  }

  /// The whole file, mapped read-only. The file must not shrink while it is mapped.
  public static Bytes map(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new Bytes(
          channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto()));
    }
  }

  /// A copy of `source`, off-heap.
  public static Bytes copyOf(byte[] source) {
    Bytes copy = allocate(source.length);
    MemorySegment.copy(source, 0, copy.segment, JAVA_BYTE, 0, source.length);
    return copy;
  }

  /// An off-heap copy of this region: what to keep of a mapped file.
  public Bytes copy() {
    Bytes copy = allocate(size());
    copy.copyFrom(this, 0, 0, size());
    return copy;
  }

  public long size() {
    return device == null ? segment.byteSize() : device.size();
  }

  public Bytes slice(long offset, long size) {
    return device == null
        ? new Bytes(segment.asSlice(offset, size))
        : new Bytes(device.slice(offset, size));
  }

  public byte get(long offset) {
    return segment.get(JAVA_BYTE, offset);
  }

  public short getShort(long offset) {
    return segment.get(SHORT, offset);
  }

  public int getInt(long offset) {
    return segment.get(INT, offset);
  }

  public long getLong(long offset) {
    return segment.get(LONG, offset);
  }

  public float getFloat(long offset) {
    return segment.get(FLOAT, offset);
  }

  /// The bfloat16 at `offset`, widened exactly.
  public float getBf16(long offset) {
    return Floats.fromBf16(getShort(offset));
  }

  /// Copies `length` bytes from `offset` into `target` at `index`.
  public void get(long offset, byte[] target, int index, int length) {
    MemorySegment.copy(segment, JAVA_BYTE, offset, target, index, length);
  }

  /// Copies `length` bytes of `source` from `from` to `to`; both lie on the same side.
  public void copyFrom(Bytes source, long from, long to, long length) {
    if (device == null || source.device == null) {
      MemorySegment.copy(source.segment, from, segment, to, length);
    } else {
      device.copyFrom(source.device, from, to, length);
    }
  }

  /// Sets every byte to 0.
  public void clear() {
    segment().fill((byte) 0);
  }

  public void put(long offset, byte value) {
    segment.set(JAVA_BYTE, offset, value);
  }

  public void putShort(long offset, short value) {
    segment.set(SHORT, offset, value);
  }

  public void putInt(long offset, int value) {
    segment.set(INT, offset, value);
  }

  public void putFloat(long offset, float value) {
    segment.set(FLOAT, offset, value);
  }

  /// Rounds `value` to bfloat16 (nearest, ties to even) and stores it at `offset`.
  public void putBf16(long offset, float value) {
    putShort(offset, Floats.toBf16(value));
  }

  /// A read-only view for digests and channels; at most 2 GiB.
  public ByteBuffer asByteBuffer() {
    return segment().asReadOnly().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  MemorySegment segment() {
    if (device != null) {
      throw new IndexOutOfBoundsException("the region lies in the GPU's memory");
    }
    return segment;
  }

  /// Device pointer to the region.
  long address() {
    if (device == null) {
      throw new IllegalArgumentException("the region lies in the host's memory");
    }
    return device.address();
  }
}
