package dev.tributary.server.source;

import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Tells a person how far a download is: one line redrawn on a terminal, else a line every tenth.
/// One download at a time; not thread-safe.
public final class Progress {
  private static final int BAR_WIDTH = 24;
  private static final long REDRAW_NANOS = 100_000_000;
  private static final double NANOS = 1e9;

  /// Erases the rest of a terminal's line (ECMA-48, EL).
  private static final String CLEAR = "\u001b[K";

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanoTime;

  private String name = "";
  private long total;
  private long start;
  private long done;
  private long startNanos;
  private long drawnNanos;
  private long saidTenths;
  private boolean drawing;

  Progress(PrintStream out, boolean terminal, LongSupplier nanoTime) {
    this.out = out;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
  }

  /// On standard error.
  // The check knows JDK 22 to 24 only.
  @SuppressWarnings("SystemConsoleNull")
  public static Progress ofProcess() {
    // Null in JDK 25, again, where the process has no terminal.
    @Nullable Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    return new Progress(System.err, terminal, System::nanoTime);
  }

  /// Something worth saying; a line that is being redrawn makes room for it.
  public void line(String text) {
    out.println(drawing ? "\r" + CLEAR + text : text);
    drawing = false;
  }

  /// A download of `total` bytes begins, of which `done` were here before.
  void begin(String name, long total, long done) {
    this.name = name;
    this.total = total;
    this.start = done;
    this.done = done;
    startNanos = nanoTime.getAsLong();
    drawnNanos = startNanos - REDRAW_NANOS;
    saidTenths = tenths();
    if (!terminal) {
      out.println(
          "%s: %s%s"
              .formatted(
                  name, megabytes(total), done > 0 ? ", " + megabytes(done) + " are here" : ""));
    }
  }

  /// So many bytes are here now.
  void reached(long bytes) {
    done = bytes;
    long now = nanoTime.getAsLong();
    if (terminal) {
      if (now - drawnNanos >= REDRAW_NANOS) {
        drawnNanos = now;
        drawing = true;
        out.print("\r" + bar() + " " + status(now) + CLEAR);
        out.flush();
      }
    } else if (tenths() > saidTenths) {
      saidTenths = tenths();
      out.println(status(now));
    }
  }

  /// The download ended, well or not.
  void end() {
    if (terminal) {
      drawing = false;
      out.println("\r" + bar() + " " + status(nanoTime.getAsLong()) + CLEAR);
    }
  }

  private long tenths() {
    return (long) (share() * 10);
  }

  private double share() {
    return total == 0 ? 1 : (double) done / total;
  }

  private String bar() {
    int full = (int) (share() * BAR_WIDTH);
    return "[" + "=".repeat(full) + " ".repeat(Math.max(0, BAR_WIDTH - full)) + "]";
  }

  /// `model.gguf 45%, 44.2 of 98.4 MB, 12.3 MB/s, 4 s left`
  private String status(long now) {
    double seconds = (now - startNanos) / NANOS;
    String status =
        String.format(
            Locale.ROOT,
            "%s %.0f%%, %s of %s",
            name,
            Math.floor(share() * 100),
            String.format(Locale.ROOT, "%.1f", done / 1e6),
            megabytes(total));
    double rate = seconds <= 0 ? 0 : (done - start) / seconds;
    if (rate > 0) {
      status += String.format(Locale.ROOT, ", %.1f MB/s", rate / 1e6);
      if (done < total) {
        status += ", " + duration(Math.ceil((total - done) / rate)) + " left";
      }
    }
    return status;
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  private static String duration(double seconds) {
    return seconds < 120
        ? String.format(Locale.ROOT, "%.0f s", seconds)
        : String.format(Locale.ROOT, "%.0f min", seconds / 60);
  }
}
