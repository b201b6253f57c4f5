package dev.tributary.server.ledger;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.ledger.SideKeys.Slot;
import dev.tributary.server.ledger.SideSegments.Position;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import javax.crypto.AEADBadTagException;
import org.jspecify.annotations.Nullable;

/// What the log's leaves only commit to: each leaf's record, encrypted under a key of its own.
///
/// Keys and records lie in different files. Erasing a record overwrites its key, which is final; a
/// file of records is deleted when all in it are erased. Who has the records without the keys has
/// nothing. What a file system or a disk keeps of overwritten blocks is beyond its reach.
///
/// **Loss of power.** A record and its key are forced before their leaf is. So a durable leaf has
/// its record, and what has no leaf is cut when the store is opened.
///
/// One thread writes; any thread reads and erases.
final class SideStore implements SideWriter, AutoCloseable {
  /// More records than this without a leaf are no interrupted batch: the log lost leaves.
  static final int MOST_CUT = 1 << 17;

  private final SideKeys keys;
  private final SideSegments segments;
  private final SideLimits limits;
  private volatile @Nullable IOException broken;

  @GuardedBy("this")
  private boolean closed;

  private SideStore(SideKeys keys, SideSegments segments, SideLimits limits) {
    this.keys = keys;
    this.segments = segments;
    this.limits = limits;
  }

  /// Opens the store or makes it, and cuts what has no leaf.
  ///
  /// @param leaves that are durable
  /// @throws LedgerRefused if more than an interrupted batch has no leaf, or the keys are missing
  static SideStore open(Disk disk, Path folder, SideLimits limits, long leaves) throws IOException {
    disk.makeFolder(folder);
    disk.forceFolder(folder.resolveSibling(""));
    Path file = folder.resolve(SideKeys.FILE);
    if (leaves > 0 && disk.size(file) < 0) {
      throw new LedgerRefused(file + " is missing, without which no record can be read");
    }
    SideKeys keys = new SideKeys(disk, file);
    try {
      cut(keys, folder, leaves);
      Position end = end(keys, leaves);
      return new SideStore(keys, new SideSegments(disk, folder, limits, end), limits);
    } catch (IOException | RuntimeException e) {
      keys.close();
      throw e;
    }
  }

  private static void cut(SideKeys keys, Path folder, long leaves) throws IOException {
    long last = keys.lastBelow(keys.slots());
    if (last - leaves >= MOST_CUT) {
      throw new LedgerRefused(
          "%s has the record of leaf %d, but the log has only %d leaves"
              .formatted(folder, last, leaves));
    }
    if (last >= leaves) {
      keys.clear(leaves, last + 1);
      // Else a leaf that comes without a record could be found with the one that was cut.
      keys.force();
    }
  }

  private static Position end(SideKeys keys, long leaves) throws IOException {
    long last = keys.lastBelow(leaves);
    if (last < 0) {
      return new Position(0, 0);
    }
    Slot slot = keys.read(last);
    return new Position(slot.segment(), slot.end());
  }

  /// Encrypts a record, on the thread of who appends it.
  ///
  /// @param leaf that commits to it
  /// @return what [#write] takes
  static byte[] seal(byte[] record, byte[] leaf) {
    if (record.length > SideLimits.MOST_RECORD) {
      throw new IllegalArgumentException("a record of " + record.length + " bytes");
    }
    return SideCipher.seal(record, leaf);
  }

  @Override
  public void write(long index, byte[] sealed) throws IOException {
    byte[] key = Arrays.copyOf(sealed, SideCipher.KEY_BYTES);
    byte[] text = Arrays.copyOfRange(sealed, SideCipher.KEY_BYTES, sealed.length);
    attempt(
        () -> {
          Position at = segments.append(text);
          keys.write(index, new Slot(key, at.segment(), at.offset(), text.length));
        });
  }

  @Override
  public void force() throws IOException {
    attempt(
        () -> {
          segments.force();
          keys.force();
        });
  }

  /// The record of a durable leaf.
  ///
  /// @return empty where the leaf never had a record, and where it is erased
  /// @throws IOException if it is not what was written, or can't be read now
  Optional<byte[]> read(long index, byte[] leaf) throws IOException {
    return read(index, List.of(leaf)).getFirst();
  }

  /// The records of durable leaves that follow one another.
  ///
  /// @param first index of the first
  List<Optional<byte[]>> read(long first, List<byte[]> leaves) throws IOException {
    List<Slot> slots = keys.read(first, leaves.size());
    List<Optional<byte[]>> records = new ArrayList<>();
    while (records.size() < slots.size()) {
      int at = records.size();
      if (slots.get(at).kept()) {
        List<Slot> run = slots.subList(at, runEnd(slots, at));
        records.addAll(open(first + at, run, leaves.subList(at, at + run.size())));
      } else {
        records.add(Optional.empty());
      }
    }
    return records;
  }

  /// How far from `at` on records that can be read lie within one window.
  private int runEnd(List<Slot> slots, int at) {
    Slot begin = slots.get(at);
    int end = at + 1;
    while (end < slots.size()
        && slots.get(end).kept()
        && slots.get(end).segment() == begin.segment()
        && slots.get(end).end() - begin.offset() <= limits.window()) {
      end++;
    }
    return end;
  }

  private List<Optional<byte[]>> open(long first, List<Slot> slots, List<byte[]> leaves)
      throws IOException {
    Optional<List<byte[]>> sealed = segments.read(slots);
    List<Optional<byte[]>> records = new ArrayList<>();
    for (int i = 0; i < slots.size(); i++) {
      records.add(
          sealed.isPresent()
              ? open(first + i, slots.get(i), sealed.get().get(i), leaves.get(i))
              : erasedMeanwhile(first + i));
    }
    return records;
  }

  private Optional<byte[]> open(long index, Slot slot, byte[] sealed, byte[] leaf)
      throws IOException {
    try {
      return Optional.of(SideCipher.open(slot.key(), sealed, leaf));
    } catch (AEADBadTagException e) {
      return erasedMeanwhile(index);
    }
  }

  private Optional<byte[]> erasedMeanwhile(long index) throws IOException {
    if (!erased(index)) {
      throw new IOException("the record of leaf " + index + " cannot be read; see ledger fsck");
    }
    return Optional.empty();
  }

  /// Whether there was a record that is erased.
  boolean erased(long index) throws IOException {
    return keys.read(index).erased();
  }

  /// Whether there is a record that is not erased.
  boolean kept(long index) throws IOException {
    return keys.read(index).kept();
  }

  /// Destroys the keys of these leaves' records: on return none can be read ever again. Leaves
  /// without a record are left as they are.
  synchronized void erase(Collection<Long> indexes) throws IOException {
    List<Long> present = new ArrayList<>();
    for (long index : indexes) {
      if (!keys.read(index).empty()) {
        present.add(index);
      }
    }
    attempt(
        () -> {
          for (long index : present) {
            keys.erase(index);
          }
          keys.force();
        });
    deleteErased(present);
  }

  private void deleteErased(Collection<Long> indexes) throws IOException {
    Set<Integer> seen = new TreeSet<>();
    for (long index : indexes) {
      Slot slot = keys.read(index);
      if (!segments.grows(slot.segment())
          && seen.add(slot.segment())
          && keys.allErased(index, slot.segment())) {
        segments.delete(slot.segment());
      }
    }
  }

  private interface Step {
    void run() throws IOException;
  }

  /// Writes and forces: after one that failed nobody knows what is on disk, so it is broken for
  /// good. A failed read is only that.
  private void attempt(Step step) throws IOException {
    IOException before = broken;
    if (before != null) {
      throw new IOException("the side store failed before: " + before.getMessage(), before);
    }
    try {
      step.run();
    } catch (IOException e) {
      broken = e;
      throw e;
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (!closed) {
      closed = true;
      try (keys;
          segments) {
        // Each is closed though the other may fail.
      }
    }
  }
}
