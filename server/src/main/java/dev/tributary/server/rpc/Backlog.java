package dev.tributary.server.rpc;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;

/// What a watcher was not told yet. One who is so far behind that [#MAX] wait loses the call, and
/// begins anew with the present state.
final class Backlog<T> {
  private static final int MAX = 1_024;

  /// Empty: the end of the call.
  private final BlockingQueue<Optional<T>> waiting = new LinkedBlockingQueue<>(MAX);

  private volatile boolean behind;

  Backlog(Call<?> call) {
    // A full queue needs no end: its reader does not wait.
    call.onEnd(() -> waiting.offer(Optional.empty()));
  }

  /// Any thread; does not block.
  void add(T news) {
    if (!waiting.offer(Optional.of(news))) {
      behind = true;
    }
  }

  /// The next news, once there is one. Only for the call's own thread.
  ///
  /// @throws CancellationException if the call has ended
  T next() {
    if (behind) {
      throw Statuses.behind(MAX);
    }
    try {
      return waiting.take().orElseThrow(CancellationException::new);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException();
    }
  }
}
