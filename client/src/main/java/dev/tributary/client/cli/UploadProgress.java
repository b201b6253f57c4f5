package dev.tributary.client.cli;

import dev.tributary.client.TributaryException;
import dev.tributary.client.UploadListener;
import dev.tributary.v1.UploadVersionResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/// Shows how an upload goes: a [ProgressBar], and an object for each `accepted` with `--json`.
final class UploadProgress implements UploadListener {
  private final Tributary tributary;
  private final ProgressBar bar;
  private final long total;

  private Optional<String> uploadId = Optional.empty();

  /// @param total bytes of all files
  /// @param nanoTime a clock in nanoseconds
  UploadProgress(Tributary tributary, long total, LongSupplier nanoTime) {
    this.tributary = tributary;
    this.bar = new ProgressBar(tributary, total, Texts::bytes, "", nanoTime);
    this.total = total;
  }

  /// What the upload can be gone on with, if the server has taken it.
  Optional<String> uploadId() {
    return uploadId;
  }

  @Override
  public void accepted(UploadVersionResponse.Accepted accepted, long bytes) {
    bar.start(bytes);
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
    bar.at(bytes);
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
    bar.end();
  }
}
