package dev.tributary.server.ledger;

import dev.tributary.record.Leaf;
import dev.tributary.record.RecordException;
import dev.tributary.record.Sealed;
import dev.tributary.server.ledger.SideKeys.Slot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import javax.crypto.AEADBadTagException;

/// Compares leaves with the records beside the log, one leaf after the other. Changes nothing.
final class SideCheck {
  /// Slots read at once.
  private static final int WINDOW = 1_024;

  private final Disk disk;
  private final Path folder;
  private final boolean exists;
  private List<Slot> slots = List.of();
  private long first;

  /// @param folder the side store's; where there is none, nothing is checked
  SideCheck(Disk disk, Path folder) throws IOException {
    this.disk = disk;
    this.folder = folder;
    this.exists = disk.size(folder.resolve(SideKeys.FILE)) >= 0;
  }

  void check(long index, byte[] leaf, Consumer<String> problems) throws IOException {
    if (!exists) {
      return;
    }
    try {
      Slot slot = slot(index);
      if (slot.kept()) {
        compare(slot, leaf);
      } else if (slot.empty() && !Leaf.decode(leaf).kind().tags().isEmpty()) {
        problems.accept("leaf " + index + " has no record beside the log, and it is not erased");
      }
    } catch (AEADBadTagException e) {
      problems.accept("the record of leaf " + index + " is damaged, or another leaf's");
    } catch (RecordException | IOException e) {
      problems.accept("the record of leaf " + index + ": " + e.getMessage());
    }
  }

  private Slot slot(long index) throws IOException {
    if (index < first || index >= first + slots.size()) {
      slots = List.of();
      first = index;
      slots = window(index);
    }
    return slots.get((int) (index - first));
  }

  /// One alone where a damaged one follows.
  private List<Slot> window(long index) throws IOException {
    Path keys = folder.resolve(SideKeys.FILE);
    try {
      return SideKeys.read(disk, keys, index, WINDOW);
    } catch (IOException e) {
      return SideKeys.read(disk, keys, index, 1);
    }
  }

  private void compare(Slot slot, byte[] leaf) throws IOException, AEADBadTagException {
    Optional<List<byte[]>> sealed = SideSegments.read(disk, folder, List.of(slot));
    if (sealed.isEmpty()) {
      throw new IOException("its segment is missing");
    }
    Sealed record = Sealed.decode(SideCipher.open(slot.key(), sealed.get().getFirst(), leaf));
    record.check();
    if (!record.leaf().equals(Leaf.decode(leaf))) {
      throw new IOException("it is another leaf's");
    }
  }
}
