package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Reads the frames of a segment one after the other.
final class FrameReader {
  private final Disk disk;
  private final Path file;
  private final int window;
  private byte[] bytes = {};
  private long start;
  private int at;
  private long index;

  /// @param offset of the first frame, in bytes
  /// @param index of its leaf
  /// @param window bytes to read at a time
  FrameReader(Disk disk, Path file, long offset, long index, int window) {
    this.disk = disk;
    this.file = file;
    this.start = offset;
    this.index = index;
    this.window = window;
  }

  /// The frame of the next index; null if it is not there, whole and sound.
  @Nullable Frame next() throws IOException {
    fill(Frame.HEADER);
    fill(Frame.HEADER + Frame.length(bytes, at));
    Frame frame = Frame.of(bytes, at);
    if (frame == null || frame.index() != index) {
      return null;
    }
    at += Frame.bytes(frame.leaf());
    index++;
    return frame;
  }

  /// Where the next frame begins.
  long offset() {
    return start + at;
  }

  private void fill(int wanted) throws IOException {
    if (bytes.length - at < wanted) {
      start += at;
      at = 0;
      bytes = disk.read(file, start, Math.max(wanted, window));
    }
  }
}
