package dev.tributary.client;

import dev.tributary.v1.Checkpoint;
import java.time.Duration;
import java.util.Iterator;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A log's checkpoints as they are published, across broken connections, none of them believed yet.
/// One thread reads; any thread may close.
public final class CheckpointWatch implements AutoCloseable {
  private final Resumed<Checkpoint> checkpoints;
  private @Nullable Head last;

  CheckpointWatch(
      Supplier<Iterator<Checkpoint>> call,
      BiConsumer<TributaryException, Duration> interrupted,
      Backoff backoff) {
    this.checkpoints = new Resumed<>(call, interrupted, backoff);
  }

  /// Waits for a checkpoint other than the one before; a new connection tells that again.
  ///
  /// @throws TributaryException if the first connection failed, a later one could not be made
  ///   again, or the server refuses the call; its code is CANCELLED after [#close]
  /// @throws UnmetException if what came is no checkpoint
  public Head next() {
    while (true) {
      Head head = Head.of(checkpoints.await());
      if (!head.equals(last)) {
        last = head;
        return head;
      }
    }
  }

  /// Ends the watch.
  @Override
  public void close() {
    checkpoints.close();
  }
}
