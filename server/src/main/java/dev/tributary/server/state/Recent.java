package dev.tributary.server.state;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/// Values that were read lately, all of them dropped by a change of any.
///
/// A read through the driver costs some 15 to 30 us, several of them a call; changes are rare. What
/// is found carries the count of changes from before it was read, so what was read before a change
/// and arrives after it does not match and is read again. What is not there is not remembered:
/// callers could fill the memory with what they make up.
final class Recent<K, V> {
  /// Beyond this all are dropped. A value takes at most about 1 KB.
  static final int MAX = 20_000;

  private record Entry<V>(long changes, V value) {}

  private final AtomicLong changes = new AtomicLong();
  private final Map<K, Entry<V>> entries = new ConcurrentHashMap<>();

  Optional<V> get(K key, Supplier<Optional<V>> read) {
    long before = changes.get();
    Entry<V> entry = entries.get(key);
    if (entry != null && entry.changes() == before) {
      return Optional.of(entry.value());
    }
    Optional<V> found = read.get();
    if (found.isPresent()) {
      if (entries.size() >= MAX) {
        entries.clear();
      }
      entries.put(key, new Entry<>(before, found.get()));
    }
    return found;
  }

  /// To be called after a change is committed and before it is acknowledged.
  void changed() {
    changes.incrementAndGet();
  }
}
