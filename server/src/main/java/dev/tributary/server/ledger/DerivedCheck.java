package dev.tributary.server.ledger;

import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Compares the derived files with the leaves, up to the mark: what lies beyond is written anew by
/// every start.
final class DerivedCheck {
  private static final int WINDOW = 1 << 16;

  /// Reads slots of the same size, mostly one after the other.
  private static final class Slots {
    final Disk disk;
    final Path path;
    final int bytes;
    byte[] window = {};
    long first;

    Slots(Disk disk, Path path, int bytes) {
      this.disk = disk;
      this.path = path;
      this.bytes = bytes;
    }

    Optional<byte[]> read(long index) throws IOException {
      long at = index - first;
      if (at < 0 || (at + 1) * bytes > window.length) {
        first = index;
        at = 0;
        window = disk.size(path) < 0 ? new byte[0] : disk.read(path, index * bytes, WINDOW);
      }
      int from = (int) at * bytes;
      return from + bytes > window.length
          ? Optional.empty()
          : Optional.of(Arrays.copyOfRange(window, from, from + bytes));
    }
  }

  private final Disk disk;
  private final Path folder;
  private final long mark;
  private final Slots offsets;
  private final List<Slots> levels = new ArrayList<>();
  private final List<List<Hash>> edges = new ArrayList<>();

  DerivedCheck(Disk disk, Path folder, long mark) {
    this.disk = disk;
    this.folder = folder;
    this.mark = mark;
    offsets = new Slots(disk, folder.resolve(Store.OFFSETS), Integer.BYTES);
  }

  /// The stored hash of a leaf; empty beyond the mark.
  Optional<Hash> leaf(long index) throws IOException {
    return index < mark ? level(0).read(index).map(Hash::of) : Optional.empty();
  }

  /// The stored offset of a leaf; empty beyond the mark.
  Optional<Integer> offset(long index) throws IOException {
    return index < mark
        ? offsets.read(index).map(slot -> ByteBuffer.wrap(slot).getInt())
        : Optional.empty();
  }

  private Slots level(int height) {
    while (levels.size() <= height) {
      levels.add(new Slots(disk, Tree.file(folder, levels.size()), Hash.BYTES));
      edges.add(new ArrayList<>());
    }
    return levels.get(height);
  }

  /// The next leaf is at this offset.
  void checkOffset(long index, long offset, Consumer<String> problems) throws IOException {
    Optional<Integer> stored = offset(index);
    if (index < mark && (stored.isEmpty() || stored.get() != offset)) {
      problems.accept(
          "offsets has leaf %d at %s; it is at %d".formatted(index, text(stored), offset));
    }
  }

  private static String text(Optional<Integer> offset) {
    return offset.map(String::valueOf).orElse("no place");
  }

  /// The next leaf has this hash.
  void checkHash(long index, Hash leaf, Consumer<String> problems) throws IOException {
    Hash hash = leaf;
    long at = index;
    for (int height = 0; index < mark; height++) {
      Optional<byte[]> stored = level(height).read(at);
      if (stored.isEmpty() || !Hash.of(stored.get()).equals(hash)) {
        problems.accept("tree.%d does not have hash %d of the leaves".formatted(height, at));
      }
      List<Hash> edge = edges.get(height);
      edge.add(hash);
      if (edge.size() < Tree.TILE) {
        return;
      }
      hash = Tree.perfect(edge);
      edge.clear();
      at /= Tree.TILE;
    }
  }
}
