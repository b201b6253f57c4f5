package dev.tributary.client.cli;

import java.util.Locale;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;

/// How far something long is: a bar that is drawn over itself on a screen, a line for every tenth
/// elsewhere once it takes more than a moment, nothing with `--json`.
final class ProgressBar {
  private static final int BAR_CHARS = 24;

  /// Between two drawings.
  private static final long REDRAW_NANOS = 100_000_000;

  /// What takes less needs no lines.
  private static final long MOMENT_NANOS = 1_000_000_000;

  private final Tributary tributary;
  private final Terminal terminal;
  private final LongFunction<String> unit;
  private final String noun;
  private final LongSupplier nanoTime;
  private final long total;

  private long startCount;
  private long startNanos;
  private long drawnNanos;
  private int drawnChars;
  private long saidTenth;

  /// @param unit writes a count
  /// @param noun what is counted, with a space before it; empty if the unit says it
  /// @param nanoTime a clock in nanoseconds
  ProgressBar(
      Tributary tributary,
      long total,
      LongFunction<String> unit,
      String noun,
      LongSupplier nanoTime) {
    this.tributary = tributary;
    this.terminal = tributary.terminal();
    this.total = total;
    this.unit = unit;
    this.noun = noun;
    this.nanoTime = nanoTime;
    start(0);
  }

  /// Of plain counts.
  static ProgressBar counting(Tributary tributary, long total, String noun) {
    return new ProgressBar(tributary, total, Long::toString, " " + noun, System::nanoTime);
  }

  /// Begins with what is there already; the speed is counted from here.
  void start(long count) {
    startCount = count;
    startNanos = nanoTime.getAsLong();
    drawnNanos = startNanos - REDRAW_NANOS;
    saidTenth = tenth(count);
  }

  void at(long count) {
    at(count, text(count, nanoTime.getAsLong()));
  }

  /// The same, with another text behind the bar.
  void at(long count, String text) {
    if (tributary.json()) {
      return;
    }
    long now = nanoTime.getAsLong();
    if (terminal.interactive()) {
      if (count == total || now - drawnNanos >= REDRAW_NANOS) {
        drawnNanos = now;
        draw(bar(count) + "  " + text);
      }
    } else if (tenth(count) > saidTenth && now - startNanos >= MOMENT_NANOS) {
      saidTenth = tenth(count);
      tributary.note(text);
    }
  }

  /// Leaves the line of the bar.
  void end() {
    if (drawnChars > 0) {
      terminal.err().println();
      terminal.err().flush();
      drawnChars = 0;
    }
  }

  private void draw(String line) {
    // Spaces over what a longer line before left.
    terminal.err().print("\r" + line + " ".repeat(Math.max(0, drawnChars - line.length())));
    terminal.err().flush();
    drawnChars = line.length();
  }

  private long tenth(long count) {
    return total == 0 ? 10 : 10 * count / total;
  }

  private String bar(long count) {
    int full = total == 0 ? BAR_CHARS : (int) (BAR_CHARS * count / total);
    return "[" + "#".repeat(full) + ".".repeat(BAR_CHARS - full) + "]";
  }

  /// `43% 860 MB of 2.0 GB 35 MB/s 33 s left`.
  private String text(long count, long now) {
    long percent = total == 0 ? 100 : 100 * count / total;
    String text =
        "%3d%%  %s of %s%s".formatted(percent, unit.apply(count), unit.apply(total), noun);
    double seconds = (now - startNanos) / 1e9;
    if (seconds <= 0 || count <= startCount) {
      return text;
    }
    double speed = (count - startCount) / seconds;
    long left = (long) Math.ceil((total - count) / speed);
    return text + "  %s/s  %s left".formatted(unit.apply((long) speed), time(left));
  }

  /// `45 s`, `12 min 05 s`.
  static String time(long seconds) {
    return seconds < 100
        ? seconds + " s"
        : String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
  }
}
