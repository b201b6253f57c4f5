package dev.tributary.server.source;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/// What the user sees of a download: a bar redrawn in place on a terminal, else a line now and
/// then. Not thread-safe: it is the downloading thread's.
final class Progress {
  private static final long REDRAW_NANOS = 100_000_000L;
  private static final long LINE_NANOS = 5_000_000_000L;
  private static final int BAR = 20;
  private static final int NAME = 28;

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanoTime;

  private String name = "";
  private long before;
  private long bytes;
  private long total;
  private long startedNanos;
  private long shownNanos;
  private boolean barStands;

  Progress(PrintStream out, boolean terminal, LongSupplier nanoTime) {
    this.out = out;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
  }

  /// A line of its own.
  void line(String text) {
    if (barStands) {
      out.print("\n");
      barStands = false;
    }
    out.print(text + "\n");
    out.flush();
  }

  /// Begins a file.
  ///
  /// @param already bytes that an earlier attempt left
  /// @param size bytes of the whole file, or negative where it is not known
  void start(String file, long already, long size) {
    name = file.length() <= NAME ? file : "..." + file.substring(file.length() - NAME + 3);
    before = already;
    bytes = already;
    total = size;
    startedNanos = nanoTime.getAsLong();
    shownNanos = startedNanos;
    if (terminal) {
      draw(startedNanos);
    }
  }

  void add(long more) {
    bytes += more;
    long now = nanoTime.getAsLong();
    if (now - shownNanos < (terminal ? REDRAW_NANOS : LINE_NANOS)) {
      return;
    }
    shownNanos = now;
    if (terminal) {
      draw(now);
    } else {
      line(name + ": " + amount() + ", " + speed(now));
    }
  }

  /// The file is whole.
  void end() {
    long now = nanoTime.getAsLong();
    if (barStands) {
      out.print("\r\033[K");
      barStands = false;
    }
    line(name + ": " + size(bytes) + " in " + time((now - startedNanos) / 1e9));
  }

  private void draw(long now) {
    String bar = "";
    if (total > 0) {
      int filled = (int) Math.min(BAR, BAR * bytes / total);
      bar = " [" + "#".repeat(filled) + ".".repeat(BAR - filled) + "]";
    }
    // Back to the line's start, and clear what the last drawing leaves to the right.
    out.print("\r" + name + bar + " " + amount() + ", " + speed(now) + "\033[K");
    out.flush();
    barStands = true;
  }

  private String amount() {
    return total > 0 ? 100 * bytes / total + "% of " + size(total) : size(bytes);
  }

  private String speed(long now) {
    double seconds = (now - startedNanos) / 1e9;
    if (seconds <= 0 || bytes == before) {
      return "0 B/s";
    }
    double rate = (bytes - before) / seconds;
    String left = total < 0 ? "" : ", " + time((total - bytes) / rate) + " left";
    return size((long) rate) + "/s" + left;
  }

  /// Bytes in decimal units.
  static String size(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes / 1e3;
    String unit = "kB";
    for (String larger : new String[] {"MB", "GB", "TB"}) {
      if (value < 999.95) {
        break;
      }
      value /= 1e3;
      unit = larger;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, unit);
  }

  private static String time(double seconds) {
    long whole = (long) Math.ceil(seconds);
    return whole < 60
        ? whole + " s"
        : String.format(Locale.ROOT, "%d:%02d min", whole / 60, whole % 60);
  }
}
