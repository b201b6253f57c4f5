package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/// A file that is filled with zeros ahead of what is written, so that most forces need not change
/// its length or find it blocks.
final class Ahead implements AutoCloseable {
  private final Disk.Handle file;
  private final int zeros;
  private long filled;

  /// @param zeros bytes to fill at a time
  Ahead(Disk disk, Path path, int zeros) throws IOException {
    this.file = disk.open(path);
    this.zeros = zeros;
    this.filled = disk.size(path);
  }

  /// The zeros are forced with what is written into them.
  void write(long offset, byte[] bytes) throws IOException {
    long end = offset + bytes.length;
    if (end > filled) {
      int more = Math.toIntExact(Math.max(zeros, end - filled));
      file.write(filled, ByteBuffer.allocate(more));
      filled += more;
    }
    file.write(offset, ByteBuffer.wrap(bytes));
  }

  void force() throws IOException {
    file.force();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
