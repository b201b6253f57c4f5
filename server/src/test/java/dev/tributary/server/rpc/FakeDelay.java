package dev.tributary.server.rpc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;

/// Time that stands until a test lets it pass.
final class FakeDelay implements Delay {
  record Task(Duration delay, Runnable action) {}

  /// Every task, as it is given.
  final LinkedBlockingQueue<Task> given = new LinkedBlockingQueue<>();

  private final List<Task> waiting = new ArrayList<>();

  @Override
  public synchronized Handle after(Duration delay, Runnable action) {
    Task task = new Task(delay, action);
    waiting.add(task);
    given.add(task);
    return () -> cancel(task);
  }

  private synchronized void cancel(Task task) {
    waiting.remove(task);
  }

  synchronized int waiting() {
    return waiting.size();
  }

  /// Runs what waits.
  void elapse() {
    List<Task> due;
    synchronized (this) {
      due = List.copyOf(waiting);
      waiting.clear();
    }
    due.forEach(task -> task.action().run());
  }

  @Override
  public void close() {}
}
