package dev.tributary.server.ledger;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/// The hashes of the tree's levels 0, 8, 16, ...: file `tree.L` has those of level 8 L, 32 bytes
/// each. Derived. In memory are only the tiles at the right edge.
final class Tree implements AutoCloseable {
  static final int TILE = 256;
  static final int TILE_HEIGHT = 8;

  /// A level that is stored.
  private static final class Level {
    final Disk.Handle file;
    final ByteArrayOutputStream unwritten = new ByteArrayOutputStream();

    /// Of the tile at the right edge.
    final List<Hash> edge = new ArrayList<>(TILE);

    long written;

    Level(Disk.Handle file) {
      this.file = file;
    }
  }

  private final Disk disk;
  private final Path folder;
  private final List<Level> levels = new CopyOnWriteArrayList<>();

  /// Goes on from the first `size` leaves, whose hashes were written.
  Tree(Disk disk, Path folder, long size) throws IOException {
    this.disk = disk;
    this.folder = folder;
    for (int height = 0; levels.isEmpty() || size >> (height * TILE_HEIGHT) > 0; height++) {
      Level level = level(height);
      level.written = size >> (height * TILE_HEIGHT);
      int width = (int) (level.written % TILE);
      if (width > 0) {
        level.edge.addAll(hashes(slice(height, level.written - width, width)));
      }
    }
  }

  /// Whether the files are as long as those of `size` leaves.
  static boolean has(Disk disk, Path folder, long size) throws IOException {
    for (int height = 0; size >> (height * TILE_HEIGHT) > 0; height++) {
      if (disk.size(file(folder, height)) < (size >> (height * TILE_HEIGHT)) * Hash.BYTES) {
        return false;
      }
    }
    return true;
  }

  static Path file(Path folder, int height) {
    return folder.resolve("tree." + height);
  }

  private Level level(int height) throws IOException {
    if (height == levels.size()) {
      levels.add(new Level(disk.open(file(folder, height))));
    }
    return levels.get(height);
  }

  /// Of the next leaf.
  void add(Hash leaf) throws IOException {
    Hash hash = leaf;
    for (int height = 0; ; height++) {
      Level level = level(height);
      level.unwritten.writeBytes(hash.bytes());
      level.edge.add(hash);
      if (level.edge.size() < TILE) {
        return;
      }
      hash = perfect(level.edge);
      level.edge.clear();
    }
  }

  /// Writes what was added; from then on it can be read.
  void write() throws IOException {
    for (Level level : levels) {
      int bytes = level.unwritten.size();
      if (bytes > 0) {
        level.file.write(
            level.written * Hash.BYTES, ByteBuffer.wrap(level.unwritten.toByteArray()));
        level.written += bytes / Hash.BYTES;
        level.unwritten.reset();
      }
    }
  }

  void force() throws IOException {
    for (Level level : levels) {
      level.file.force();
    }
  }

  /// The root over a power of two of hashes.
  static Hash perfect(List<Hash> hashes) {
    List<Hash> row = hashes;
    while (row.size() > 1) {
      List<Hash> above = new ArrayList<>(row.size() / 2);
      for (int i = 0; i < row.size(); i += 2) {
        above.add(Merkle.node(row.get(i), row.get(i + 1)));
      }
      row = above;
    }
    return row.getFirst();
  }

  /// `count` hashes of level 8 `height` from index `first` on, 32 bytes each.
  byte[] slice(int height, long first, int count) throws IOException {
    Path file = file(folder, height);
    byte[] bytes = disk.read(file, first * Hash.BYTES, count * Hash.BYTES);
    if (bytes.length < count * Hash.BYTES) {
      throw new IOException(file + " ends before hash " + (first + count - 1));
    }
    return bytes;
  }

  private static List<Hash> hashes(byte[] bytes) {
    List<Hash> hashes = new ArrayList<>(bytes.length / Hash.BYTES);
    for (int at = 0; at < bytes.length; at += Hash.BYTES) {
      hashes.add(Hash.of(Arrays.copyOfRange(bytes, at, at + Hash.BYTES)));
    }
    return hashes;
  }

  /// For one proof or root: keeps the tiles that it read. A failed read is an
  /// [UncheckedIOException].
  Merkle.Nodes nodes() {
    Map<Long, byte[]> tiles = new HashMap<>();
    return (level, index) -> {
      int height = level / TILE_HEIGHT;
      int below = level % TILE_HEIGHT;
      long first = index << below;
      int at = (int) (first % TILE) * Hash.BYTES;
      int end = at + (Hash.BYTES << below);
      byte[] tile =
          tiles.computeIfAbsent(
              first / TILE * (Long.SIZE / TILE_HEIGHT) + height, _ -> tile(height, first / TILE));
      if (tile.length < end) {
        throw new UncheckedIOException(
            new IOException(file(folder, height) + " ends before hash " + first));
      }
      return perfect(hashes(Arrays.copyOfRange(tile, at, end)));
    };
  }

  private byte[] tile(int height, long tile) {
    try {
      return disk.read(file(folder, height), tile * TILE * Hash.BYTES, TILE * Hash.BYTES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    for (Level level : levels) {
      level.file.close();
    }
  }
}
