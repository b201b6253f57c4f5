package dev.tributary.server.train;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Lines of a stream in bounded memory. A line ends at `\n`, before which a `\r` is no part of it,
/// or with the stream.
final class Lines {
  private static final int CHUNK = 1 << 16;

  private final InputStream in;
  private final int limit;
  private final byte[] chunk = new byte[CHUNK];
  private int at;
  private int filled;
  private byte[] line = new byte[1 << 12];
  private int length;
  private boolean tooLong;
  private long number;

  /// @param limit most bytes of a line
  Lines(InputStream in, int limit) {
    this.in = in;
    this.limit = limit;
  }

  /// Number of the line that was returned last, from 1.
  long number() {
    return number;
  }

  /// Whether that line had more bytes than the limit; what was returned is its beginning.
  boolean tooLong() {
    return tooLong;
  }

  /// The next line, or null at the end.
  byte @Nullable [] next() throws IOException {
    length = 0;
    tooLong = false;
    boolean any = false;
    while (at < filled || fill()) {
      any = true;
      int end = at;
      while (end < filled && chunk[end] != '\n') {
        end++;
      }
      append(at, end);
      at = end;
      if (end < filled) {
        at++;
        break;
      }
    }
    if (!any) {
      return null;
    }
    number++;
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    return Arrays.copyOf(line, length);
  }

  private boolean fill() throws IOException {
    at = 0;
    filled = Math.max(0, in.read(chunk));
    return filled > 0;
  }

  private void append(int from, int to) {
    int taken = Math.min(to - from, limit - length);
    tooLong |= taken < to - from;
    if (length + taken > line.length) {
      line = Arrays.copyOf(line, Math.max(length + taken, (int) Math.min(2L * line.length, limit)));
    }
    System.arraycopy(chunk, from, line, length, taken);
    length += taken;
  }
}
