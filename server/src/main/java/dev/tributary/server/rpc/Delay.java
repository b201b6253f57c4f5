package dev.tributary.server.rpc;

import java.time.Duration;

/// Runs tasks later; tests move its time.
interface Delay extends AutoCloseable {
  /// Runs `task` once, after `delay`, unless it was cancelled. The task must not block.
  Handle after(Duration delay, Runnable task);

  /// Forgets all tasks.
  @Override
  void close();

  /// Holds on to a task.
  interface Handle {
    void cancel();
  }
}
