package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.StepRunner;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Runs jobs on the device. Methods may be called by any thread and don't block.
public final class Engine implements AutoCloseable {
  /// @param clock nanoseconds, as [System#nanoTime]
  /// @param fatal told once, from any thread, when the engine can't go on: the process should end
  public Engine(
      StepRunner runner,
      TokenText text,
      EngineSettings settings,
      LongSupplier clock,
      Consumer<Throwable> fatal) {}

  /// Starts the thread that owns the device.
  public void start() {
    throw new UnsupportedOperationException();
  }

  /// Takes a generation, or throws a [Rejection].
  public Ticket submit(Job job, Observer observer) {
    throw new UnsupportedOperationException();
  }

  /// Takes tokens to score, or throws a [Rejection]. Cancelling the future frees the row; it fails
  /// with [JobFailedException].
  public CompletableFuture<ScoreJob.Scores> score(ScoreJob job) {
    throw new UnsupportedOperationException();
  }

  /// The logits `[vocabulary]` after the last token of `prompt`, or throws a [Rejection].
  /// Cancelling the future frees the row; it fails with [JobFailedException].
  public CompletableFuture<float[]> probe(int[] prompt, List<AdapterUse> adapters) {
    throw new UnsupportedOperationException();
  }

  /// Takes no more jobs; those taken may go on for `grace`, then fail with [Failure.Draining]. The
  /// future completes when none is left.
  public CompletableFuture<Void> drain(Duration grace) {
    throw new UnsupportedOperationException();
  }

  public EngineStats stats() {
    throw new UnsupportedOperationException();
  }

  /// Drains without grace and ends the thread.
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
