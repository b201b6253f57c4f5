package dev.tributary.server.rpc;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.EndReason;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Observer;
import dev.tributary.server.schedule.PathRun;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The records of one generation. Only for the call's own thread.
final class Recording {
  private final Recorder recorder;
  private final Job job;
  private final List<AdapterUse> adapters;
  private final long startMicros;
  private int maxTokens;
  private int cached;
  private @Nullable CompletableFuture<Long> started;
  private boolean ended;

  /// @param startMicros when the job was submitted, since 1970
  Recording(Recorder recorder, Job job, List<AdapterUse> adapters, long startMicros) {
    this.recorder = recorder;
    this.job = job;
    this.adapters = List.copyOf(adapters);
    this.startMicros = startMicros;
    maxTokens = job.sampling().maxTokens();
  }

  /// The job left the queue. The record becomes durable while the prompt is computed.
  void started(Observer.Started event) {
    maxTokens = event.maxTokens();
    cached = event.cachedTokens();
    if (recorder.isOn()) {
      recorder.opened();
      started = recorder.started(job, adapters);
    }
  }

  /// Waits until a delta may be sent.
  void awaitStarted() {
    if (started != null) {
      var unused = started.join();
    }
  }

  /// Whether it is known that the generation began, or nobody records it: a call that the ledger
  /// refused has brought its caller nothing.
  boolean stands() {
    return !recorder.isOn()
        || started != null && started.isDone() && !started.isCompletedExceptionally();
  }

  /// Writes how the generation ended, unless that is done; it is durable on return.
  ///
  /// @param drawn with what probability each token was drawn
  /// @return empty without a ledger, for a job that never left the queue, and at the second call
  Optional<Recorded> ended(EndReason end, Emitted emitted, List<PathRun> paths, float[] drawn) {
    if (started == null || ended) {
      return Optional.empty();
    }
    ended = true;
    try {
      return Optional.of(
          recorder.ended(
              job,
              adapters,
              started.join(),
              startMicros,
              maxTokens,
              cached,
              emitted,
              end,
              paths,
              drawn));
    } finally {
      recorder.closed();
    }
  }
}
