package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// Up to which leaf the derived files were forced: u64, u32 CRC-32C. It needs no force of its own:
/// a lost or torn mark costs time at the next start and nothing else. Twelve bytes at the head of a
/// file lie in one sector, so that in practice none is torn.
final class Mark {
  private static final int CHECKED = Long.BYTES;
  private static final int BYTES = CHECKED + Integer.BYTES;

  private Mark() {}

  /// 0 if there is no sound one.
  static long read(Disk disk, Path file) throws IOException {
    if (disk.size(file) < BYTES) {
      return 0;
    }
    byte[] bytes = disk.read(file, 0, BYTES);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    return in.getInt(CHECKED) == sum(bytes) ? in.getLong(0) : 0;
  }

  static void write(Disk disk, Path file, long leaves) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES).putLong(leaves);
    bytes.putInt(sum(bytes.array())).flip();
    try (Disk.Handle handle = disk.open(file)) {
      handle.write(0, bytes);
    }
  }

  private static int sum(byte[] bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes, 0, CHECKED);
    return (int) sum.getValue();
  }
}
