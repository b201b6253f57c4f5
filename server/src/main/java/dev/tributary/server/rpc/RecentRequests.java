package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/// Which request ids were used lately, so that a repeat is not charged twice.
///
/// An id that the caller chose is taken while its call runs, and remembered for 24 hours once a
/// token was generated; a call that ends before that frees it. Ids that the server made are new by
/// construction and not kept. The memory is bounded: past [#CAPACITY] the oldest is forgotten
/// early. It does not survive a restart.
final class RecentRequests {
  static final Duration KEPT = Duration.ofHours(24);

  /// Ids remembered; each takes about 300 bytes.
  static final int CAPACITY = 100_000;

  private record Key(String tenant, String requestId) {}

  private record Use(String generationId, long at) {}

  private final LongSupplier clock;
  private final int capacity;

  /// Oldest first.
  @GuardedBy("this")
  private final Map<Key, Use> uses = new LinkedHashMap<>();

  /// @param clock nanoseconds, as [System#nanoTime]
  RecentRequests(LongSupplier clock, int capacity) {
    this.clock = clock;
    this.capacity = capacity;
  }

  /// Takes the id for a generation, or throws ALREADY_EXISTS with the id of the one that has it.
  synchronized Reservation reserve(String tenant, String requestId, String generationId) {
    long now = clock.getAsLong();
    Iterator<Use> oldest = uses.values().iterator();
    while (oldest.hasNext() && now - oldest.next().at() >= KEPT.toNanos()) {
      oldest.remove();
    }
    Key key = new Key(tenant, requestId);
    Use first = uses.get(key);
    if (first != null) {
      throw Statuses.seen(requestId, first.generationId());
    }
    if (uses.size() == capacity) {
      uses.remove(uses.keySet().iterator().next());
    }
    Use use = new Use(generationId, now);
    uses.put(key, use);
    return new Reservation(key, use);
  }

  private synchronized void free(Key key, Use use) {
    uses.remove(key, use);
  }

  /// An id taken by a call. To be closed when the call ends.
  final class Reservation implements AutoCloseable {
    private final Key key;
    private final Use use;
    private boolean kept;

    private Reservation(Key key, Use use) {
      this.key = key;
      this.use = use;
    }

    /// A token was charged: the id stays taken.
    void keep() {
      kept = true;
    }

    /// Frees the id unless it is to be kept.
    @Override
    public void close() {
      if (!kept) {
        free(key, use);
      }
    }
  }
}
