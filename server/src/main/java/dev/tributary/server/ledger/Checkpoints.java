package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.NoteSignature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// All checkpoints that were ever signed, in the order of their sizes. One takes 112 bytes: `u64
/// size, root[32], u32 key id, Ed25519 signature[64], u32 CRC-32C`.
///
/// Each is forced before the next is written, so that at most the last one can be torn.
final class Checkpoints implements AutoCloseable {
  static final String FILE = "checkpoints";

  private static final int SIGNATURE = 64;
  private static final int CHECKED = Long.BYTES + Hash.BYTES + Integer.BYTES + SIGNATURE;
  private static final int SLOT = CHECKED + Integer.BYTES;

  /// By this many slots the file is filled with zeros ahead.
  private static final int AHEAD = 512;

  private final Disk disk;
  private final Path path;
  private final String origin;
  private @Nullable Ahead file;
  private final boolean torn;
  private volatile long count;

  /// Reads what is there and changes nothing.
  ///
  /// @throws LedgerRefused if it is not what was once written
  Checkpoints(Disk disk, Path path, String origin) throws IOException {
    this.disk = disk;
    this.path = path;
    this.origin = origin;
    long slots = Math.max(0, disk.size(path) / SLOT);
    long written = slots;
    while (written > 0 && isZero(written - 1)) {
      written--;
    }
    torn = written > 0 && read(written - 1).isEmpty();
    count = torn ? written - 1 : written;
    if (count > 0 && read(count - 1).isEmpty()) {
      throw new LedgerRefused("checkpoint " + (count - 1) + " in " + path + " cannot be read");
    }
  }

  private boolean isZero(long slot) throws IOException {
    return Arrays.equals(disk.read(path, slot * SLOT, SLOT), new byte[SLOT]);
  }

  /// Empty if it is damaged.
  Optional<Note> read(long slot) throws IOException {
    byte[] bytes = disk.read(path, slot * SLOT, SLOT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length < SLOT || in.getInt(CHECKED) != sum(bytes)) {
      return Optional.empty();
    }
    long size = in.getLong();
    byte[] root = new byte[Hash.BYTES];
    in.get(root);
    int id = in.getInt();
    byte[] signature = new byte[SIGNATURE];
    in.get(signature);
    return Optional.of(
        new Note(
            new Checkpoint(origin, size, Hash.of(root)).text(),
            List.of(new NoteSignature(origin, id, signature))));
  }

  private static int sum(byte[] slot) {
    CRC32C sum = new CRC32C();
    sum.update(slot, 0, CHECKED);
    return (int) sum.getValue();
  }

  /// Whether one behind the last was not written whole.
  boolean torn() {
    return torn;
  }

  long count() {
    return count;
  }

  /// Number `index` in the order of sizes.
  Note at(long index) throws IOException {
    return read(index)
        .orElseThrow(() -> new IOException("checkpoint " + index + " cannot be read; see fsck"));
  }

  Optional<Note> last() throws IOException {
    return count == 0 ? Optional.empty() : Optional.of(at(count - 1));
  }

  /// The first one of `size` leaves or more.
  Optional<Note> from(long size) throws IOException {
    long low = 0;
    long high = count;
    while (low < high) {
      long middle = (low + high) >>> 1;
      if (ByteBuffer.wrap(disk.read(path, middle * SLOT, Long.BYTES)).getLong() < size) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == count ? Optional.empty() : Optional.of(at(low));
  }

  /// Returns when the next one would survive a loss of power. It comes after [#settle] and covers
  /// more leaves than the last.
  void add(Checkpoint checkpoint, NoteSignature signature) throws IOException {
    ByteBuffer slot =
        ByteBuffer.allocate(SLOT)
            .putLong(checkpoint.size())
            .put(checkpoint.root().bytes())
            .putInt(signature.id())
            .put(signature.bytes());
    slot.putInt(sum(slot.array()));
    if (file == null) {
      throw new IllegalStateException("not settled");
    }
    long slots = count;
    file.write(slots * SLOT, slot.array());
    file.force();
    count = slots + 1;
  }

  /// Before the first is added: returns when all that were read would survive a loss of power.
  /// Whoever wrote the last one may have ended before, or have failed: then the system may take it
  /// for written, so it is again.
  ///
  /// @return leaves that the last one covers: those are durable; 0 without any
  long settle() throws IOException {
    Ahead settled = new Ahead(disk, path, AHEAD * SLOT);
    file = settled;
    long covered = 0;
    if (count > 0) {
      byte[] last = disk.read(path, (count - 1) * SLOT, SLOT);
      covered = ByteBuffer.wrap(last).getLong();
      settled.write((count - 1) * SLOT, last);
    }
    settled.force();
    return covered;
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
  }
}
