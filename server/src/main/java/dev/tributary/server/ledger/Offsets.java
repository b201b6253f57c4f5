package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/// Where each leaf begins in its segment: u32 each, in the order of the leaves. Derived.
final class Offsets implements AutoCloseable {
  private final Disk disk;
  private final Path path;
  private final Disk.Handle file;

  Offsets(Disk disk, Path path) throws IOException {
    this.disk = disk;
    this.path = path;
    this.file = disk.open(path);
  }

  void write(long index, int[] offsets) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(offsets.length * Integer.BYTES);
    bytes.asIntBuffer().put(offsets);
    file.write(index * Integer.BYTES, bytes);
  }

  /// Whether the file is as long as that of so many leaves.
  static boolean has(Disk disk, Path path, long leaves) throws IOException {
    return disk.size(path) >= leaves * Integer.BYTES;
  }

  int of(long index) throws IOException {
    byte[] bytes = disk.read(path, index * Integer.BYTES, Integer.BYTES);
    if (bytes.length < Integer.BYTES) {
      throw new IOException(path + " ends before leaf " + index);
    }
    int offset = ByteBuffer.wrap(bytes).getInt();
    if (offset < 0) {
      throw new IOException(path + " has no place for leaf " + index);
    }
    return offset;
  }

  void force() throws IOException {
    file.force();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
