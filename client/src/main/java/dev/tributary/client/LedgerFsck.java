package dev.tributary.client;

import dev.tributary.record.Leaf;
import dev.tributary.record.RecordException;
import dev.tributary.tlog.TilePath;
import dev.tributary.tlog.TlogException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/// Checks every byte of a [LedgerFolder], offline: entries are hashed again, and every tile and the
/// checkpoint's root must be what that gives. Whose checkpoint it is, [Head#require] says.
public final class LedgerFsck {
  /// Findings that are told one by one.
  private static final int MAX_FINDINGS = 1_000;

  private final Path folder;
  private final Head head;
  private final List<Finding> findings = new ArrayList<>();
  private long files;

  public LedgerFsck(Path folder, Head head) {
    this.folder = folder;
    this.head = head;
  }

  /// @param checked hears how many entries have been checked
  /// @return what is wrong; nothing if all is as it must be
  public List<Finding> run(LongConsumer checked) throws IOException {
    TileTree tree = new TileTree(this::compare);
    for (long start = 0; start < head.size(); start += TilePath.WIDTH) {
      int width = (int) Math.min(TilePath.WIDTH, head.size() - start);
      if (!addBundle(tree, TilePath.ofBundle(start / TilePath.WIDTH, width))) {
        // What follows cannot be hashed without it.
        return findings;
      }
      checked.accept(start + width);
    }
    tree.finish();
    if (!tree.root().equals(head.checkpoint().root())) {
      find("the entries do not lead to the checkpoint's root");
    }
    checkNames();
    return List.copyOf(findings);
  }

  /// Files that were found to be right.
  public long files() {
    return files;
  }

  private boolean addBundle(TileTree tree, TilePath path) throws IOException {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(folder.resolve(path.toString()));
    } catch (NoSuchFileException e) {
      find(path + " is missing; what follows it cannot be checked");
      return false;
    }
    List<byte[]> entries = entries(bytes);
    if (entries.size() != path.width()) {
      find(path + " is not a bundle of " + path.width() + " entries");
      return false;
    }
    for (byte[] entry : entries) {
      try {
        Leaf.decode(entry);
      } catch (RecordException e) {
        find("entry " + tree.size() + " is no record: " + e.getMessage());
      }
      tree.add(entry);
    }
    return true;
  }

  /// The entries of a bundle; none if it is malformed.
  private static List<byte[]> entries(byte[] bundle) {
    List<byte[]> entries = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(bundle);
    while (in.remaining() >= Short.BYTES) {
      int length = Short.toUnsignedInt(in.getShort());
      if (length > in.remaining()) {
        return List.of();
      }
      byte[] entry = new byte[length];
      in.get(entry);
      entries.add(entry);
    }
    return in.hasRemaining() ? List.of() : entries;
  }

  private void compare(TilePath path, byte[] bytes) throws IOException {
    try {
      if (Arrays.equals(Files.readAllBytes(folder.resolve(path.toString())), bytes)) {
        files++;
      } else {
        find(path + " is not what the entries give");
      }
    } catch (NoSuchFileException e) {
      find(path + " is missing");
    }
  }

  /// What else is there: partial tiles of smaller trees, which must be beginnings, or strangers.
  private void checkNames() throws IOException {
    Path tiles = folder.resolve("tile");
    if (!Files.isDirectory(tiles)) {
      return;
    }
    try (Stream<Path> all = Files.walk(tiles)) {
      for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        String name = folder.relativize(file).toString().replace('\\', '/');
        try {
          checkOld(file, TilePath.parse(name));
        } catch (TlogException e) {
          find(name + " is no tile");
        }
      }
    }
  }

  private void checkOld(Path file, TilePath path) throws IOException {
    long nodes = path.level() <= 0 ? head.size() : head.size() >> Math.min(63, 8 * path.level());
    long there = Math.min(TilePath.WIDTH, nodes - path.index() * TilePath.WIDTH);
    if (path.width() > there) {
      find(path + " is beyond the checkpoint");
    } else if (path.width() < there) {
      TilePath whole = new TilePath(path.level(), path.index(), (int) there);
      byte[] old = Files.readAllBytes(file);
      Path present = folder.resolve(whole.toString());
      if (!Files.exists(present)) {
        // Said already.
        return;
      }
      byte[] now = Files.readAllBytes(present);
      boolean begins =
          old.length <= now.length && Arrays.equals(old, Arrays.copyOf(now, old.length));
      boolean counts =
          path.level() == TilePath.ENTRIES
              ? entries(old).size() == path.width()
              : old.length == path.width() * (now.length / there);
      if (!begins || !counts) {
        find(path + " is not the beginning of " + whole);
      }
    }
  }

  private void find(String sentence) {
    if (findings.size() < MAX_FINDINGS) {
      findings.add(Finding.of(sentence));
    }
  }
}
