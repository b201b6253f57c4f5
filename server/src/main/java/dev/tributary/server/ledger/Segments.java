package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/// The files that hold the leaves, named by the index of their first. A batch lies in one of them.
final class Segments implements AutoCloseable {
  private static final String SUFFIX = ".seg";
  private static final int NAME_DIGITS = 19;
  private static final int WINDOW = 1 << 20;

  /// Told of every leaf that a scan finds.
  interface Found {
    void leaf(Frame frame, long offset) throws IOException;
  }

  private final Disk disk;
  private final Path folder;
  private final Layout layout;
  private final ConcurrentSkipListMap<Long, Path> files = new ConcurrentSkipListMap<>();
  private @Nullable Ahead tail;
  private long end;
  private long size;

  Segments(Disk disk, Path folder, Layout layout) throws IOException {
    this.disk = disk;
    this.folder = folder;
    this.layout = layout;
    for (String name : disk.list(folder)) {
      if (name.matches("[0-9]{" + NAME_DIGITS + "}" + SUFFIX)) {
        files.put(Long.parseLong(name.substring(0, NAME_DIGITS)), folder.resolve(name));
      }
    }
  }

  /// Leaves that were found or appended.
  long size() {
    return size;
  }

  /// Reads from leaf `index` at `offset` on, up to where no further leaf follows.
  ///
  /// @throws LedgerRefused if leaves lie behind others that are missing
  void scan(long index, long offset, Found found) throws IOException {
    size = index;
    end = offset;
    Map.Entry<Long, Path> file = files.floorEntry(index);
    if (file == null && !files.isEmpty()) {
      throw refused(files.firstEntry());
    }
    while (file != null) {
      FrameReader frames = new FrameReader(disk, file.getValue(), end, size, WINDOW);
      long at = frames.offset();
      for (Frame frame = frames.next(); frame != null; frame = frames.next()) {
        found.leaf(frame, at);
        at = frames.offset();
        size++;
      }
      end = at;
      Map.Entry<Long, Path> next = files.higherEntry(file.getKey());
      if (next == null) {
        return;
      }
      if (next.getKey() != size) {
        throw refused(next);
      }
      file = next;
      end = 0;
    }
  }

  private LedgerRefused refused(Map.Entry<Long, Path> later) {
    return new LedgerRefused(
        "leaf " + size + " cannot be read though " + later.getValue() + " follows it");
  }

  /// Ends the last segment where the scan ended and makes it durable. Whoever wrote to it may have
  /// ended before it was, or have failed: then the system may take bytes for written that are not,
  /// so they are written again. A segment is only followed by another when all of it is durable.
  ///
  /// @param durable leaves that are so already
  /// @param offset of the next leaf in its segment
  /// @throws LedgerRefused if what would be cut was acknowledged
  void settle(long durable, long offset) throws IOException {
    disk.forceFolder(folder);
    Map.Entry<Long, Path> last = files.lastEntry();
    if (last == null) {
      return;
    }
    long used = checkTail(last.getValue(), size, end);
    tail = new Ahead(disk, last.getValue(), layout.zeros());
    long from = durable >= size ? end : durable <= last.getKey() ? 0 : offset;
    for (long at = from; at < end; at += WINDOW) {
      tail.write(at, disk.read(last.getValue(), at, (int) Math.min(WINDOW, end - at)));
    }
    for (long at = end; at < used; at += WINDOW) {
      tail.write(at, new byte[(int) Math.min(WINDOW, used - at)]);
    }
    tail.force();
  }

  /// Compares what follows the last leaf of a segment.
  ///
  /// @param leaves up to which the log can be read
  /// @param from where the last one ends
  /// @return where the bytes end that are not zero
  /// @throws LedgerRefused if a frame says that more leaves were forced
  private long checkTail(Path file, long leaves, long from) throws IOException {
    long length = disk.size(file);
    long used = from;
    for (long at = from; at < length; at += WINDOW) {
      byte[] bytes = disk.read(file, at, WINDOW + Frame.HEADER + Log.MAX_LEAF);
      for (int i = 0; i < Math.min(WINDOW, bytes.length); i++) {
        used = bytes[i] == 0 ? used : at + i + 1;
        Frame frame = Frame.of(bytes, i);
        if (frame != null && frame.batch() > leaves) {
          throw new LedgerRefused(
              String.format(
                  Locale.ROOT,
                  "leaf %d cannot be read at byte %d of %s, and leaf %d behind it says that it was"
                      + " durable",
                  leaves,
                  from,
                  file,
                  frame.index()));
        }
      }
    }
    return used;
  }

  /// Compares what follows the last leaf that can be read.
  ///
  /// @param offset where it ends in its segment
  /// @return bytes that a start would cut
  /// @throws LedgerRefused if more leaves were durable once
  long checkEnd(long leaves, long offset) throws IOException {
    Map.Entry<Long, Path> last = files.lastEntry();
    if (last == null) {
      return 0;
    }
    if (last.getKey() > leaves) {
      throw new LedgerRefused(
          "leaf " + leaves + " cannot be read though " + last.getValue() + " follows it");
    }
    long from = last.getKey() == leaves ? 0 : offset;
    return checkTail(last.getValue(), leaves, from) - from;
  }

  /// Returns when the leaves would survive a loss of power.
  ///
  /// @return the offset of each in its segment
  int[] append(List<byte[]> leaves) throws IOException {
    if (tail == null || end >= layout.segmentBytes()) {
      roll();
    }
    Ahead file = tail;
    if (file == null) {
      throw new IllegalStateException("no segment to write to");
    }
    int[] offsets = new int[leaves.size()];
    ByteBuffer batch =
        ByteBuffer.allocate(leaves.stream().mapToInt(Frame::bytes).reduce(0, Math::addExact));
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = Math.toIntExact(end + batch.position());
      new Frame(size + i, i, leaves.get(i)).put(batch);
    }
    file.write(end, batch.array());
    file.force();
    end += batch.position();
    size += offsets.length;
    return offsets;
  }

  private void roll() throws IOException {
    if (tail != null) {
      tail.close();
    }
    Path file = folder.resolve(String.format(Locale.ROOT, "%019d", size) + SUFFIX);
    tail = new Ahead(disk, file, layout.zeros());
    disk.forceFolder(folder);
    files.put(size, file);
    end = 0;
  }

  /// The frames from leaf `index` at `offset` on, up to the end of their segment.
  FrameReader from(long index, long offset, int window) {
    Map.Entry<Long, Path> file = files.floorEntry(index);
    if (file == null) {
      throw new LedgerRefused("no segment has leaf " + index);
    }
    return new FrameReader(disk, file.getValue(), offset, index, window);
  }

  /// The segment that has a leaf, or would.
  Path fileOf(long index) {
    Map.Entry<Long, Path> file = files.floorEntry(index);
    return file == null ? folder : file.getValue();
  }

  /// Whether a segment begins with this leaf.
  boolean begins(long index) {
    return files.containsKey(index);
  }

  @Override
  public void close() throws IOException {
    if (tail != null) {
      tail.close();
    }
  }
}
