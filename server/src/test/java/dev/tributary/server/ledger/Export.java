package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.TilePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/// Writes a log as the static files of C2SP's tlog-tiles, for others' tools and for web servers.
final class Export {
  private Export() {}

  /// Writes what a checkpoint has, the checkpoint itself last. Full tiles that are there already
  /// are left alone, since they never change: exporting again costs what was added.
  ///
  /// @param checkpoint one that the log published
  /// @param folder made if it is missing
  static void write(Log log, Note checkpoint, Path folder) throws IOException {
    long size = Checkpoint.parse(checkpoint.text()).size();
    for (int level = 0; size >> (level * Tree.TILE_HEIGHT) > 0; level++) {
      writeLevel(log, level, size >> (level * Tree.TILE_HEIGHT), folder);
    }
    writeLevel(log, TilePath.ENTRIES, size, folder);
    put(folder.resolve("checkpoint"), checkpoint.bytes());
  }

  private static void writeLevel(Log log, int level, long hashes, Path folder) throws IOException {
    for (long tile = 0; tile * TilePath.WIDTH < hashes; tile++) {
      int width = (int) Math.min(TilePath.WIDTH, hashes - tile * TilePath.WIDTH);
      TilePath path = new TilePath(level, tile, width);
      Path file = folder.resolve(path.toString());
      if (!Files.exists(file)) {
        put(file, log.resource(path).orElseThrow());
      }
    }
  }

  /// The file appears whole.
  private static void put(Path file, byte[] bytes) throws IOException {
    Files.createDirectories(file.resolveSibling(""));
    Path written = file.resolveSibling(file.getFileName() + ".new");
    Files.write(written, bytes);
    Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
