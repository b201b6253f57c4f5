package dev.tributary.server.bench;

import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Runs steps by another runner and times the engine around them.
///
/// The engine goes round schedule, run, sample, publish. What it publishes marks the end of its
/// sampling: the first delta after a step comes when every row has its token.
final class StepTimes implements StepRunner {
  /// Medians of decode steps, in milliseconds.
  ///
  /// @param steps measured
  /// @param step from the begin of one to the begin of the next
  /// @param run in the graph
  /// @param sample from its end to the first delta
  /// @param publish from the first delta to the last
  /// @param schedule from the last delta to the begin of the next step
  /// @param outside part of the step outside of the graph
  record Shares(
      int steps,
      double step,
      double run,
      double sample,
      double publish,
      double schedule,
      double outside) {}

  /// First steps of a recording that don't count: rows come in one after the other.
  static final int WARM_UP = 8;

  /// Decode steps of exactly `rows` rows that follow each other.
  private static final class Recording {
    private final int rows;
    private final CompletableFuture<Void> begun = new CompletableFuture<>();
    private int seen;
    private final Samples step = new Samples();
    private final Samples run = new Samples();
    private final Samples sample = new Samples();
    private final Samples publish = new Samples();
    private final Samples schedule = new Samples();

    Recording(int rows) {
      this.rows = rows;
    }
  }

  private final StepRunner runner;
  private @Nullable Recording recording;
  private int deltas;
  private boolean decoding;
  private long began;
  private long ran;
  private long firstDelta;
  private long lastDelta;

  StepTimes(StepRunner runner) {
    this.runner = runner;
  }

  /// From here on decode steps of so many rows count. Completes when the first does.
  synchronized CompletableFuture<Void> record(int rows) {
    Recording begins = new Recording(rows);
    recording = begins;
    decoding = false;
    return begins.begun;
  }

  /// Ends the recording. Throws if no step was recorded.
  synchronized Shares shares() {
    Recording done = recording;
    recording = null;
    if (done == null || done.step.count() == 0) {
      throw new IllegalStateException("the rows did not decode together");
    }
    double step = done.step.summary().p50();
    double run = done.run.summary().p50();
    return new Shares(
        done.step.count(),
        step,
        run,
        done.sample.summary().p50(),
        done.publish.summary().p50(),
        done.schedule.summary().p50(),
        (step - run) / step);
  }

  /// The engine's thread publishes a token of a row.
  synchronized void delta() {
    lastDelta = System.nanoTime();
    if (deltas++ == 0) {
      firstDelta = lastDelta;
    }
  }

  @Override
  public int maxTokens() {
    return runner.maxTokens();
  }

  @Override
  public int wideFrom() {
    return runner.wideFrom();
  }

  @Override
  public int workers() {
    return runner.workers();
  }

  @Override
  public void forEach(int items, Ops.ItemWork work) {
    runner.forEach(items, work);
  }

  @Override
  public void claimThread() {
    runner.claimThread();
  }

  @Override
  public Matrix run(List<Span> spans) {
    begin(spans);
    Matrix logits = runner.run(spans);
    ended();
    return logits;
  }

  private synchronized void begin(List<Span> spans) {
    long now = System.nanoTime();
    Recording current = recording;
    if (current != null && decoding && deltas == current.rows && current.seen++ >= WARM_UP) {
      current.begun.complete(null);
      current.step.add(now - began);
      current.run.add(ran - began);
      current.sample.add(firstDelta - ran);
      current.publish.add(lastDelta - firstDelta);
      current.schedule.add(now - lastDelta);
    }
    decoding =
        current != null
            && spans.size() == current.rows
            && spans.stream().allMatch(span -> span.tokens().length == 1);
    deltas = 0;
    began = System.nanoTime();
  }

  private synchronized void ended() {
    ran = System.nanoTime();
  }
}
