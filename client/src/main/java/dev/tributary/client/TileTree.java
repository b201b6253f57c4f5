package dev.tributary.client;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.TilePath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// The tiles and entry bundles of a log (C2SP tlog-tiles), computed from its entries in order, with
/// at most one tile of each level in memory.
final class TileTree {
  /// Takes each file once it is known whole.
  interface Sink {
    void file(TilePath path, byte[] bytes) throws IOException;
  }

  /// Hashes of one level that are not in a full tile yet.
  private static final class Level {
    long tiles;
    final List<Hash> hashes = new ArrayList<>();
  }

  private final Sink sink;
  private final List<Level> levels = new ArrayList<>();
  private final ByteArrayOutputStream bundle = new ByteArrayOutputStream();
  private long size;

  TileTree(Sink sink) {
    this.sink = sink;
  }

  /// Begins with a tree of full bundles.
  ///
  /// @param size a multiple of 256
  /// @param hashes of each level from 1 up that are in its last tile, which is not full
  TileTree(Sink sink, long size, List<List<Hash>> hashes) {
    this(sink);
    if (size % TilePath.WIDTH != 0) {
      throw new IllegalArgumentException(size + " entries are not full bundles");
    }
    this.size = size;
    level(0).tiles = size / TilePath.WIDTH;
    for (int i = 0; i < hashes.size(); i++) {
      Level level = level(i + 1);
      level.hashes.addAll(hashes.get(i));
      level.tiles = (size >> (8 * (i + 1))) / TilePath.WIDTH;
    }
  }

  long size() {
    return size;
  }

  void add(byte[] entry) throws IOException {
    bundle.write(entry.length >> 8);
    bundle.write(entry.length);
    bundle.write(entry);
    size++;
    if (size % TilePath.WIDTH == 0) {
      sink.file(TilePath.ofBundle(size / TilePath.WIDTH - 1, TilePath.WIDTH), takeBundle());
    }
    add(0, Merkle.leaf(entry));
  }

  /// Hands over the tiles that are not full. No entry comes after it.
  void finish() throws IOException {
    int rest = (int) (size % TilePath.WIDTH);
    if (rest > 0) {
      sink.file(TilePath.ofBundle(size / TilePath.WIDTH, rest), takeBundle());
    }
    for (int i = 0; i < levels.size(); i++) {
      Level level = levels.get(i);
      if (!level.hashes.isEmpty()) {
        sink.file(new TilePath(i, level.tiles, level.hashes.size()), bytes(level.hashes));
      }
    }
  }

  Hash root() {
    List<Hash> peaks = new ArrayList<>();
    for (Level level : levels.reversed()) {
      int at = 0;
      for (int width = TilePath.WIDTH / 2; width > 0; width /= 2) {
        if ((level.hashes.size() & width) != 0) {
          peaks.add(Merkle.root(level.hashes.subList(at, at + width)));
          at += width;
        }
      }
    }
    return new Frontier(size, peaks).root();
  }

  private void add(int number, Hash hash) throws IOException {
    Level level = level(number);
    level.hashes.add(hash);
    if (level.hashes.size() == TilePath.WIDTH) {
      sink.file(new TilePath(number, level.tiles, TilePath.WIDTH), bytes(level.hashes));
      Hash root = Merkle.root(level.hashes);
      level.hashes.clear();
      level.tiles++;
      add(number + 1, root);
    }
  }

  private Level level(int number) {
    while (levels.size() <= number) {
      levels.add(new Level());
    }
    return levels.get(number);
  }

  private byte[] takeBundle() {
    byte[] bytes = bundle.toByteArray();
    bundle.reset();
    return bytes;
  }

  private static byte[] bytes(List<Hash> hashes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(hashes.size() * Hash.BYTES);
    hashes.forEach(hash -> out.writeBytes(hash.bytes()));
    return out.toByteArray();
  }
}
