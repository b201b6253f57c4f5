package dev.tributary.tlog;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Writes a log as static files (C2SP tlog-tiles), straight from the specification.
final class StaticLog {
  private StaticLog() {}

  /// A log of `size` entries, of 0 to 16 bytes or so, into an empty folder.
  static void write(Path folder, SigningKey key, int size) throws IOException {
    List<byte[]> entries =
        IntStream.range(0, size)
            .mapToObj(i -> "e".repeat(i % 9).concat(i % 9 == 0 ? "" : " " + i))
            .map(text -> text.getBytes(StandardCharsets.UTF_8))
            .toList();
    for (int begin = 0; begin < size; begin += TilePath.WIDTH) {
      List<byte[]> bundle = entries.subList(begin, Math.min(size, begin + TilePath.WIDTH));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (byte[] entry : bundle) {
        bytes.write(entry.length >> 8);
        bytes.write(entry.length);
        bytes.write(entry);
      }
      put(folder, TilePath.ofBundle(begin / TilePath.WIDTH, bundle.size()), bytes);
    }
    List<Hash> leaves = entries.stream().map(Merkle::leaf).toList();
    List<Hash> hashes = leaves;
    for (int level = 0; !hashes.isEmpty(); level++) {
      hashes = putLevel(folder, level, hashes);
    }
    String text = new Checkpoint(key.name(), size, Merkle.root(leaves)).text();
    Files.write(folder.resolve("checkpoint"), key.signed(text).bytes());
  }

  /// The roots of the level's full tiles.
  private static List<Hash> putLevel(Path folder, int level, List<Hash> hashes) throws IOException {
    List<Hash> above = new ArrayList<>();
    for (int begin = 0; begin < hashes.size(); begin += TilePath.WIDTH) {
      List<Hash> tile = hashes.subList(begin, Math.min(hashes.size(), begin + TilePath.WIDTH));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (Hash hash : tile) {
        bytes.write(hash.bytes());
      }
      put(folder, new TilePath(level, begin / TilePath.WIDTH, tile.size()), bytes);
      if (tile.size() == TilePath.WIDTH) {
        above.add(Merkle.root(tile));
      }
    }
    return above;
  }

  private static void put(Path folder, TilePath path, ByteArrayOutputStream bytes)
      throws IOException {
    Path file = folder.resolve(path.toString());
    Files.createDirectories(file.resolveSibling("."));
    Files.write(file, bytes.toByteArray());
  }
}
