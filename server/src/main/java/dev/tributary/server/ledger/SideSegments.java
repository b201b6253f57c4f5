package dev.tributary.server.ledger;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.ledger.SideKeys.Slot;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The encrypted records, one after the other in files `NUMBER.side`, without anything between
/// them: where one begins and ends stands in its slot. Only the last file grows.
final class SideSegments implements AutoCloseable {
  private static final String SUFFIX = ".side";

  /// Where the next record goes.
  ///
  /// @param segment 0 and up
  /// @param offset bytes
  record Position(int segment, int offset) {}

  private final Disk disk;
  private final Path folder;
  private final SideLimits limits;

  @GuardedBy("this")
  private Ahead last;

  @GuardedBy("this")
  private Position end;

  /// @param end behind the last record that counts; what lies behind it is deleted or overwritten
  SideSegments(Disk disk, Path folder, SideLimits limits, Position end) throws IOException {
    this.disk = disk;
    this.folder = folder;
    this.limits = limits;
    this.end = end;
    for (String name : disk.list(folder)) {
      if (number(name) > end.segment) {
        disk.delete(folder.resolve(name));
      }
    }
    this.last = open(end.segment);
  }

  private Ahead open(int segment) throws IOException {
    Ahead file = new Ahead(disk, path(folder, segment), limits.zeros());
    disk.forceFolder(folder);
    return file;
  }

  /// Not durable before [#force].
  synchronized Position append(byte[] bytes) throws IOException {
    if (end.offset > 0 && end.offset + bytes.length > limits.segment()) {
      last.force();
      last.close();
      end = new Position(end.segment + 1, 0);
      last = open(end.segment);
    }
    Position at = end;
    last.write(at.offset, bytes);
    end = new Position(at.segment, at.offset + bytes.length);
    return at;
  }

  synchronized void force() throws IOException {
    last.force();
  }

  /// The bytes of these slots, which are all in one segment, in the order of their offsets.
  ///
  /// @return empty where the whole segment is gone
  Optional<List<byte[]>> read(List<Slot> slots) throws IOException {
    return read(disk, folder, slots);
  }

  static Optional<List<byte[]>> read(Disk disk, Path folder, List<Slot> slots) throws IOException {
    int begin = slots.getFirst().offset();
    int segment = slots.getFirst().segment();
    byte[] bytes;
    try {
      bytes = disk.read(path(folder, segment), begin, slots.getLast().end() - begin);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    if (bytes.length < slots.getLast().end() - begin) {
      throw new IOException(path(folder, segment) + " ends before its last record");
    }
    return Optional.of(
        slots.stream()
            .map(slot -> Arrays.copyOfRange(bytes, slot.offset() - begin, slot.end() - begin))
            .toList());
  }

  /// Whether it is the last one.
  synchronized boolean grows(int segment) {
    return segment == end.segment;
  }

  /// May come back after a loss of power: then it takes space, and nobody can read it.
  void delete(int segment) throws IOException {
    disk.delete(path(folder, segment));
  }

  private static Path path(Path folder, int segment) {
    return folder.resolve(String.format(Locale.ROOT, "%010d", segment) + SUFFIX);
  }

  /// -1 for a file of another kind.
  private static long number(String name) {
    return name.matches("[0-9]{10}" + SUFFIX) ? Long.parseLong(name.substring(0, 10)) : -1;
  }

  @Override
  public synchronized void close() throws IOException {
    last.close();
  }
}
