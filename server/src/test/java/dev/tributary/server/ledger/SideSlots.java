package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;

/// Side data in slots of 32 bytes, the first of which is their length; longer ones are not kept.
final class SideSlots implements SideWriter {
  static final int MOST = 31;
  private static final int SLOT = 32;

  private final Disk disk;
  private final Path path;
  private final Disk.Handle file;

  SideSlots(Disk disk, Path path) throws IOException {
    this.disk = disk;
    this.path = path;
    this.file = disk.open(path);
  }

  @Override
  public void write(long index, byte[] bytes) throws IOException {
    if (bytes.length > MOST) {
      return;
    }
    ByteBuffer slot = ByteBuffer.allocate(SLOT).put((byte) bytes.length).put(bytes).rewind();
    file.write(index * SLOT, slot);
  }

  @Override
  public void force() throws IOException {
    file.force();
  }

  byte[] read(long index) throws IOException {
    byte[] slot = disk.read(path, index * SLOT, SLOT);
    return slot.length < SLOT ? new byte[0] : Arrays.copyOfRange(slot, 1, 1 + slot[0]);
  }
}
