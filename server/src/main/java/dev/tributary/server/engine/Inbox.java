package dev.tributary.server.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Hands rows from callers' threads to the engine's. Bounded: counts the rows that have not been
/// admitted, here or with the scheduler.
final class Inbox {
  private final int capacity;
  private final Duration retryAfter;

  @GuardedBy("this")
  private List<Row> rows = new ArrayList<>();

  @GuardedBy("this")
  private int waiting;

  @GuardedBy("this")
  private boolean closed;

  Inbox(int capacity, Duration retryAfter) {
    this.capacity = capacity;
    this.retryAfter = retryAfter;
  }

  synchronized void put(Row row) {
    if (closed) {
      throw new Rejection.Draining();
    }
    if (waiting == capacity) {
      throw new Rejection.QueueFull(waiting, retryAfter);
    }
    waiting++;
    rows.add(row);
  }

  /// All rows put since the last call, in order.
  synchronized List<Row> take() {
    List<Row> taken = rows;
    rows = new ArrayList<>();
    return taken;
  }

  /// A row taken was admitted or has ended.
  synchronized void left() {
    waiting--;
  }

  synchronized int waiting() {
    return waiting;
  }

  /// No row comes in any more.
  synchronized void close() {
    closed = true;
  }

  /// Closed, and every row was taken.
  synchronized boolean isDone() {
    return closed && rows.isEmpty();
  }
}
