package dev.tributary.server.rpc;

import dev.tributary.server.engine.Failure;
import dev.tributary.server.engine.Observer;
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

    record Failed(Failure failure) implements Event {}
  }

  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final int echoedTokens;
  private final Runnable whenStarted;
  private final Runnable whenOver;
  private int tokens;
  private volatile int generated;
  private boolean ended;

  /// @param echoedTokens how many tokens of the prompt come before the first generated one
  /// @param whenStarted run by the engine's thread when the job leaves its queue; must not block
  /// @param whenOver run by the engine's thread when the row has ended, however long its reader
  ///   takes; must not block
  JobEvents(int echoedTokens, Runnable whenStarted, Runnable whenOver) {
    this.echoedTokens = echoedTokens;
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
    whenStarted.run();
    events.add(new Event.Started(started));
  }

  @Override
  public void onDelta(Delta delta) {
    tokens += delta.tokenIds().size();
    generated = Math.max(0, tokens - echoedTokens);
    events.add(new Event.Delta(delta));
  }

  @Override
  public void onFinished(Finished finished) {
    whenOver.run();
    events.add(new Event.Finished(finished));
  }

  @Override
  public void onFailed(Failure failure) {
    whenOver.run();
    events.add(new Event.Failed(failure));
  }
}
