package dev.tributary.server.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.schedule.SharedPlaces;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Hands rows from callers' threads to the engine's. Bounded: counts the rows that have not been
/// admitted, here or with the scheduler; no tenant can fill it alone.
final class Inbox {
  private final Duration retryAfter;

  @GuardedBy("this")
  private List<Row> rows = new ArrayList<>();

  @GuardedBy("this")
  private final SharedPlaces places;

  @GuardedBy("this")
  private boolean closed;

  Inbox(int capacity, Duration retryAfter) {
    places = new SharedPlaces(capacity);
    this.retryAfter = retryAfter;
  }

  synchronized void put(Row row) {
    if (closed) {
      throw new Rejection.Draining();
    }
    String tenant = row.sequence.tenant();
    if (!places.take(tenant)) {
      throw places.isFull()
          ? new Rejection.QueueFull(places.taken(), retryAfter)
          : new Rejection.ShareFull(tenant, retryAfter);
    }
    rows.add(row);
  }

  /// All rows put since the last call, in order.
  synchronized List<Row> take() {
    List<Row> taken = rows;
    rows = new ArrayList<>();
    return taken;
  }

  /// A row taken was admitted or has ended.
  synchronized void left(Row row) {
    places.free(row.sequence.tenant());
  }

  synchronized int waiting() {
    return places.taken();
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
