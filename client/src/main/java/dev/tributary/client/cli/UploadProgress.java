package dev.tributary.client.cli;

import dev.tributary.client.TributaryException;
import dev.tributary.client.UploadListener;
import dev.tributary.v1.UploadVersionResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/// Shows how an upload goes: a bar that is drawn over itself on a screen, a line for every tenth
/// elsewhere, an object for each `accepted` with `--json`.
final class UploadProgress implements UploadListener {
  private static final int BAR_CHARS = 24;

  /// Between two drawings.
  private static final long REDRAW_NANOS = 100_000_000;

  private final Tributary tributary;
  private final Terminal terminal;
  private final LongSupplier nanoTime;
  private final long total;

  private Optional<String> uploadId = Optional.empty();
  private long startBytes;
  private long startNanos;
  private long drawnNanos;
  private int drawnChars;
  private long saidTenth;

  /// @param total bytes of all files
  /// @param nanoTime a clock in nanoseconds
  UploadProgress(Tributary tributary, long total, LongSupplier nanoTime) {
    this.tributary = tributary;
    this.terminal = tributary.terminal();
    this.total = total;
    this.nanoTime = nanoTime;
  }

  /// What the upload can be gone on with, if the server has taken it.
  Optional<String> uploadId() {
    return uploadId;
  }

  @Override
  public void accepted(UploadVersionResponse.Accepted accepted, long bytes) {
    startBytes = bytes;
    startNanos = nanoTime.getAsLong();
    drawnNanos = startNanos - REDRAW_NANOS;
    saidTenth = tenth(bytes);
    if (tributary.json()) {
      tributary.printJson(UploadVersionResponse.newBuilder().setAccepted(accepted).build());
    } else if (uploadId.isEmpty()) {
      tributary.note(
          "upload %s, %s%s; if it is cut off, repeat the command with --resume %1$s"
              .formatted(
                  accepted.getUploadId(),
                  Texts.bytes(total),
                  bytes == 0 ? "" : ", the server has " + Texts.bytes(bytes)));
    }
    uploadId = Optional.of(accepted.getUploadId());
  }

  @Override
  public void sent(long bytes) {
    if (tributary.json()) {
      return;
    }
    long now = nanoTime.getAsLong();
    if (terminal.interactive()) {
      if (bytes == total || now - drawnNanos >= REDRAW_NANOS) {
        drawnNanos = now;
        draw(bar(bytes) + "  " + text(bytes, now));
      }
    } else if (tenth(bytes) > saidTenth) {
      saidTenth = tenth(bytes);
      tributary.note(text(bytes, now));
    }
  }

  @Override
  public void checking() {
    end();
    tributary.note("all is sent; the server checks it");
  }

  @Override
  public void interrupted(TributaryException failure, Duration delay) {
    end();
    tributary.note(
        "the connection broke (%s); again in %.1f s"
            .formatted(failure.getMessage(), delay.toMillis() / 1e3));
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

  private long tenth(long bytes) {
    return total == 0 ? 10 : 10 * bytes / total;
  }

  private String bar(long bytes) {
    int full = total == 0 ? BAR_CHARS : (int) (BAR_CHARS * bytes / total);
    return "[" + "#".repeat(full) + ".".repeat(BAR_CHARS - full) + "]";
  }

  /// `43% 860 MB of 2.0 GB 35 MB/s 33 s left`; the speed is that since the connection was made.
  private String text(long bytes, long now) {
    long percent = total == 0 ? 100 : 100 * bytes / total;
    String text = "%3d%%  %s of %s".formatted(percent, Texts.bytes(bytes), Texts.bytes(total));
    double seconds = (now - startNanos) / 1e9;
    if (seconds <= 0 || bytes <= startBytes) {
      return text;
    }
    double speed = (bytes - startBytes) / seconds;
    long left = (long) Math.ceil((total - bytes) / speed);
    return text + "  %s/s  %s left".formatted(Texts.bytes((long) speed), time(left));
  }

  private static String time(long seconds) {
    return seconds < 100
        ? seconds + " s"
        : String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
  }
}
