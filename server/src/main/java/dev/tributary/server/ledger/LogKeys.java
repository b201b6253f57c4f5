package dev.tributary.server.ledger;

import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The keys that sign a log's checkpoints, one after the other, as the log's folder remembers them:
/// a line each of the size at which the one before ended, and the vkey. The leaf at that index says
/// the same with both keys' signatures.
///
/// @param keys at least one, of the same name, the log's origin; the first from size 0
record LogKeys(List<From> keys) {
  private static final String FILE = "keys";

  /// @param size up to which the key before signs; the leaf at this index announces this one
  record From(long size, VerifierKey key) {}

  LogKeys {
    keys = List.copyOf(keys);
    String name = keys.getFirst().key().name();
    if (keys.getFirst().size() != 0) {
      throw new TlogException("the first key is not from size 0 on");
    }
    long last = -1;
    for (From from : keys) {
      if (!from.key().name().equals(name) || from.size() <= last) {
        throw new TlogException("keys of different logs, or not in the order of their sizes");
      }
      last = from.size();
    }
  }

  static LogKeys of(VerifierKey first) {
    return new LogKeys(List.of(new From(0, first)));
  }

  /// @throws LedgerRefused if there are none though the folder has a log's files
  static LogKeys open(Disk disk, Path folder, VerifierKey first) throws IOException {
    Optional<LogKeys> stored = read(disk, folder);
    if (stored.isPresent()) {
      return stored.get();
    }
    if (disk.list(folder).stream().anyMatch(name -> !name.startsWith("keys"))) {
      throw new LedgerRefused(folder.resolve(FILE) + " is missing, and the log is not new");
    }
    LogKeys keys = of(first);
    keys.write(disk, folder);
    return keys;
  }

  /// Empty if there is no file.
  ///
  /// @throws LedgerRefused if it is anything but what [#write] wrote
  static Optional<LogKeys> read(Disk disk, Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    return WholeFile.read(disk, file).map(text -> parse(file, text));
  }

  private static LogKeys parse(Path file, String text) {
    try {
      List<From> keys = new ArrayList<>();
      for (String line : text.stripTrailing().split("\n", -1)) {
        int space = line.indexOf(' ');
        keys.add(
            new From(
                Long.parseLong(line.substring(0, Math.max(0, space))),
                VerifierKey.parse(line.substring(space + 1))));
      }
      return new LogKeys(keys);
    } catch (TlogException | NumberFormatException e) {
      throw new LedgerRefused(file + " is not a list of sizes and keys: " + e.getMessage());
    }
  }

  void write(Disk disk, Path folder) throws IOException {
    StringBuilder text = new StringBuilder();
    keys.forEach(from -> text.append(from.size()).append(' ').append(from.key()).append('\n'));
    WholeFile.replace(disk, folder.resolve(FILE), text.toString());
  }

  String origin() {
    return keys.getFirst().key().name();
  }

  /// Without rotations whose leaf is not among the first `size`: those did not happen.
  LogKeys before(long size) {
    return new LogKeys(
        keys.stream().filter(from -> from.size() == 0 || from.size() < size).toList());
  }

  /// With a key that is in force from the leaf at index `size` on, which announces it.
  LogKeys rotated(long size, VerifierKey next) {
    List<From> more = new ArrayList<>(keys);
    more.add(new From(size, next));
    return new LogKeys(more);
  }

  VerifierKey last() {
    return keys.getLast().key();
  }

  /// What signs checkpoints of this size.
  VerifierKey of(long size) {
    VerifierKey key = keys.getFirst().key();
    for (From from : keys) {
      key = from.size() < size ? from.key() : key;
    }
    return key;
  }
}
