package dev.tributary.client;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.TilePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/// A log as static files (C2SP tlog-tiles): `checkpoint`, `tile/LEVEL/INDEX`, `tile/entries/INDEX`.
/// Any web server that serves the folder serves the log.
public final class LedgerFolder {
  private static final String CHECKPOINT = "checkpoint";

  private final Path folder;

  public LedgerFolder(Path folder) {
    this.folder = folder;
  }

  /// The checkpoint that the folder was written for; empty if there is none.
  ///
  /// @throws UnmetException if the file is no checkpoint
  public Optional<Head> head() throws IOException {
    Path file = folder.resolve(CHECKPOINT);
    return Files.exists(file) ? Optional.of(Head.parse(Files.readString(file))) : Optional.empty();
  }

  /// Writes a log's files up to a checkpoint, or adds to those that were written before what came
  /// since. The checkpoint is written last, after all has been found to lead to it.
  ///
  /// @param head believed
  /// @param written hears how many entries there are so far
  /// @throws TributaryException if a call failed
  /// @throws UnmetException if the entries or files do not lead to the checkpoint, or the folder is
  ///   another log's
  public void write(Ledger ledger, Head head, LongConsumer written) throws IOException {
    Optional<Head> before = head();
    if (before.isPresent()) {
      ledger.requireGrown(before.get(), head);
    }
    TileTree tree = begin(before.map(Head::size).orElse(0L));
    ledger.read(
        tree.size(),
        head.size(),
        (index, entry) -> {
          tree.add(entry);
          written.accept(index + 1);
        });
    Hash root = tree.root();
    tree.finish();
    if (!root.equals(head.checkpoint().root())) {
      throw new UnmetException(
          before.isPresent()
              ? "entries and files do not lead to the checkpoint; `tributary ledger fsck` says"
                  + " whether the folder is damaged"
              : "the entries that the server sent do not lead to its checkpoint");
    }
    write(CHECKPOINT, head.note().bytes());
  }

  /// The tree of the full bundles that are there.
  private TileTree begin(long size) throws IOException {
    long start = size - size % TilePath.WIDTH;
    List<List<Hash>> levels = new ArrayList<>();
    for (int level = 1; start >> (8 * level) > 0; level++) {
      long nodes = start >> (8 * level);
      int width = (int) (nodes % TilePath.WIDTH);
      levels.add(
          width == 0 ? List.of() : hashes(new TilePath(level, nodes / TilePath.WIDTH, width)));
    }
    return new TileTree((path, bytes) -> write(path.toString(), bytes), start, levels);
  }

  private List<Hash> hashes(TilePath path) throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve(path.toString()));
    if (bytes.length != path.width() * Hash.BYTES) {
      throw new UnmetException(path + " in " + folder + " is not of its size");
    }
    List<Hash> hashes = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += Hash.BYTES) {
      hashes.add(Hash.of(Arrays.copyOfRange(bytes, at, at + Hash.BYTES)));
    }
    return hashes;
  }

  /// Whole or not at all, so that what reads the folder meanwhile sees no half of a file.
  private void write(String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    Path beside = file.resolveSibling(file.getFileName() + ".new");
    Files.write(beside, bytes);
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  Path folder() {
    return folder;
  }
}
