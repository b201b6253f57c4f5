package dev.tributary.server.rpc;

import dev.tributary.server.engine.Failure;
import dev.tributary.server.engine.Observer;
import dev.tributary.server.metrics.CallRecord;
import dev.tributary.server.metrics.Outcome;
import dev.tributary.server.schedule.PathRun;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;

/// A job's events between the engine's thread, which must not wait, and the call's, which may.
///
/// Holds at most one event per chunk of an echoed prompt and per generated token.
final class JobEvents implements Observer {
  /// What the engine tells, as a value.
  sealed interface Event {
    record Started(Observer.Started detail) implements Event {}

    record Delta(Observer.Delta detail) implements Event {}

    record Finished(Observer.Finished detail) implements Event {}

    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Failed(Failure failure, List<PathRun> paths, float[] drawn) implements Event {}
  }

  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final int echoedTokens;
  private final CallRecord record;
  private final Runnable whenStarted;
  private final Runnable whenOver;
  private int tokens;
  private volatile int generated;
  private boolean ended;

  /// @param echoedTokens how many tokens of the prompt come before the first generated one
  /// @param record told by the engine's thread
  /// @param whenStarted run by the engine's thread when the job leaves its queue; must not block
  /// @param whenOver run by the engine's thread when the row has ended, however long its reader
  ///   takes; must not block
  JobEvents(int echoedTokens, CallRecord record, Runnable whenStarted, Runnable whenOver) {
    this.echoedTokens = echoedTokens;
    this.record = record;
    this.whenStarted = whenStarted;
    this.whenOver = whenOver;
  }

  /// The next event; waits for it. Only for the call's own thread.
  Event take() {
    try {
      Event event = events.take();
      ended = event instanceof Event.Finished || event instanceof Event.Failed;
      return event;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    }
  }

  /// Whether the last event was taken. Only for the call's own thread.
  boolean ended() {
    return ended;
  }

  /// Waits until the job has ended. Only for the call's own thread.
  void awaitEnd() {
    while (!ended) {
      take();
    }
  }

  /// Tokens generated so far.
  int generated() {
    return generated;
  }

  @Override
  public void onStarted(Started started) {
    record.started(started.promptTokens(), started.cachedTokens());
    whenStarted.run();
    events.add(new Event.Started(started));
  }

  @Override
  public void onDelta(Delta delta) {
    int before = Math.max(tokens, echoedTokens);
    tokens += delta.tokenIds().size();
    generated = Math.max(0, tokens - echoedTokens);
    record.generated(Math.max(0, tokens - before));
    events.add(new Event.Delta(delta));
  }

  @Override
  public void onFinished(Finished finished) {
    record.finished(outcome(finished.reason()));
    over();
    events.add(new Event.Finished(finished));
  }

  @Override
  public void onFailed(Failure failure, List<PathRun> paths, float[] drawn) {
    over();
    events.add(new Event.Failed(failure, paths, drawn));
  }

  private void over() {
    whenOver.run();
    record.rowOver();
  }

  private static Outcome outcome(Reason reason) {
    return switch (reason) {
      case STOP -> Outcome.STOP;
      case LENGTH -> Outcome.LENGTH;
      case STOP_SEQUENCE -> Outcome.STOP_SEQUENCE;
      case TIME_LIMIT -> Outcome.TIME_LIMIT;
    };
  }
}
