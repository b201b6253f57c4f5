package dev.tributary.server.ledger;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/// The file `keys`: a slot per leaf that holds the key of its record and says where the record
/// lies. Zeros stand where a leaf has no record. Erasing overwrites the key alone.
final class SideKeys implements AutoCloseable {
  /// Key, segment, offset, length, CRC32C of the last three and the leaf's index.
  static final int SLOT_BYTES = SideCipher.KEY_BYTES + 16;

  /// The file grows by this many bytes, a whole number of slots: 768 KiB.
  private static final int GROWTH = 16_384 * SLOT_BYTES;

  static final String FILE = "keys";

  /// Slots read at once by a scan.
  private static final int SCAN = 1_024;

  private static final byte[] NO_KEY = new byte[SideCipher.KEY_BYTES];

  /// Where the record of a leaf lies.
  ///
  /// @param key all zeros once it is erased
  /// @param offset of the ciphertext in its segment, bytes
  /// @param length of ciphertext and tag, bytes; 0: the leaf never had a record
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Slot(byte[] key, int segment, int offset, int length) {
    static final Slot NONE = new Slot(NO_KEY, 0, 0, 0);

    boolean empty() {
      return length == 0;
    }

    boolean erased() {
      return length > 0 && Arrays.equals(key, NO_KEY);
    }

    /// Whether the record can be read.
    boolean kept() {
      return length > 0 && !Arrays.equals(key, NO_KEY);
    }

    int end() {
      return offset + length;
    }
  }

  private final Disk disk;
  private final Path path;

  @GuardedBy("this")
  private final Ahead file;

  SideKeys(Disk disk, Path path) throws IOException {
    this.disk = disk;
    this.path = path;
    this.file = new Ahead(disk, path, GROWTH);
  }

  /// Slots that the file has room for now, used or not.
  long slots() throws IOException {
    return disk.size(path) / SLOT_BYTES;
  }

  Slot read(long index) throws IOException {
    return read(index, 1).getFirst();
  }

  List<Slot> read(long first, int count) throws IOException {
    return read(disk, path, first, count);
  }

  static List<Slot> read(Disk disk, Path path, long first, int count) throws IOException {
    byte[] bytes = disk.read(path, first * SLOT_BYTES, count * SLOT_BYTES);
    List<Slot> slots = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      boolean beyond = (i + 1) * SLOT_BYTES > bytes.length;
      slots.add(
          beyond
              ? Slot.NONE
              : decode(path, first + i, ByteBuffer.wrap(bytes, i * SLOT_BYTES, SLOT_BYTES)));
    }
    return slots;
  }

  /// Not durable before [#force].
  synchronized void write(long index, Slot slot) throws IOException {
    byte[] bytes =
        ByteBuffer.allocate(SLOT_BYTES)
            .put(slot.key)
            .putInt(slot.segment)
            .putInt(slot.offset)
            .putInt(slot.length)
            .putInt(check(index, slot))
            .array();
    file.write(index * SLOT_BYTES, bytes);
  }

  /// Overwrites the key. Not durable before [#force].
  synchronized void erase(long index) throws IOException {
    file.write(index * SLOT_BYTES, NO_KEY);
  }

  /// Makes all slots from `first` on as if they had never been written. Not durable before
  /// [#force].
  synchronized void clear(long first, long end) throws IOException {
    for (long at = first; at < end; at += SCAN) {
      file.write(at * SLOT_BYTES, new byte[(int) Math.min(SCAN, end - at) * SLOT_BYTES]);
    }
  }

  synchronized void force() throws IOException {
    file.force();
  }

  /// The last slot below `end` that has anything but zeros; -1 if there is none.
  long lastBelow(long end) throws IOException {
    for (long to = Math.min(end, slots()); to > 0; to -= SCAN) {
      int count = (int) Math.min(SCAN, to);
      byte[] bytes = disk.read(path, (to - count) * SLOT_BYTES, count * SLOT_BYTES);
      for (int at = bytes.length - 1; at >= 0; at--) {
        if (bytes[at] != 0) {
          return to - count + at / SLOT_BYTES;
        }
      }
    }
    return -1;
  }

  /// Whether all records in the segment of the one of `index` are erased.
  boolean allErased(long index, int segment) throws IOException {
    return allErased(index, segment, 1) && allErased(index, segment, -1);
  }

  /// @param step 1: from `index` up, -1: down
  private boolean allErased(long index, int segment, int step) throws IOException {
    long slots = slots();
    for (long at = index; at >= 0 && at < slots; at += (long) step * SCAN) {
      long first = step > 0 ? at : Math.max(0, at - SCAN + 1);
      int count = (int) (step > 0 ? Math.min(SCAN, slots - at) : at - first + 1);
      List<Slot> found = read(first, count);
      for (Slot slot : step > 0 ? found : found.reversed()) {
        if (!slot.empty() && slot.segment != segment) {
          return true;
        }
        if (slot.kept()) {
          return false;
        }
      }
    }
    return true;
  }

  private static Slot decode(Path path, long index, ByteBuffer bytes) throws IOException {
    byte[] key = new byte[SideCipher.KEY_BYTES];
    bytes.get(key);
    Slot slot = new Slot(key, bytes.getInt(), bytes.getInt(), bytes.getInt());
    int check = bytes.getInt();
    if (slot.empty() && check == 0) {
      return Slot.NONE;
    }
    if (check != check(index, slot) || slot.length < 0) {
      throw new IOException(path + ": the slot of leaf " + index + " is damaged");
    }
    return slot;
  }

  private static int check(long index, Slot slot) {
    CRC32C crc = new CRC32C();
    crc.update(
        ByteBuffer.allocate(20)
            .putLong(index)
            .putInt(slot.segment)
            .putInt(slot.offset)
            .putInt(slot.length)
            .flip());
    return (int) crc.getValue();
  }

  @Override
  public synchronized void close() throws IOException {
    file.close();
  }
}
