package dev.tributary.client;

import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingRun;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/// How a run is, then every change of it until it has ended, across broken connections. One thread
/// reads; any thread may close.
public final class TrainingWatch implements Iterator<TrainingEvent>, AutoCloseable {
  private final Resumed<TrainingEvent> events;
  private boolean ended;

  TrainingWatch(
      Supplier<Iterator<TrainingEvent>> call,
      BiConsumer<TributaryException, Duration> interrupted,
      Backoff backoff) {
    this.events = new Resumed<>(call, interrupted, backoff);
  }

  /// Whether the run, as it was told last, has not ended.
  @Override
  public boolean hasNext() {
    return !ended;
  }

  /// Waits for the next event.
  ///
  /// @throws TributaryException if the first connection failed, a later one could not be made
  ///   again, or the server refuses the call; its code is CANCELLED after [#close]
  @Override
  public TrainingEvent next() {
    if (ended) {
      throw new NoSuchElementException("the run has ended");
    }
    TrainingEvent event = events.await();
    ended = event.hasRun() && hasEnded(event.getRun());
    return event;
  }

  /// Whether a run changes no more.
  public static boolean hasEnded(TrainingRun run) {
    return switch (run.getState()) {
      case STATE_SUCCEEDED, STATE_FAILED, STATE_CANCELLED -> true;
      case STATE_QUEUED, STATE_RUNNING, STATE_UNSPECIFIED, UNRECOGNIZED -> false;
    };
  }

  /// Ends the watch; the run goes on.
  @Override
  public void close() {
    events.close();
  }
}
