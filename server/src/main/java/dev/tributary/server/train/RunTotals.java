package dev.tributary.server.train;

import dev.tributary.server.state.RunRecord;
import java.util.EnumMap;
import java.util.Map;

/// What runs came to since the process began. Thread safe.
final class RunTotals {
  private final Map<RunRecord.State, Long> ended = new EnumMap<>(RunRecord.State.class);
  private long tokens;

  /// A run ended.
  ///
  /// @param trained tokens
  synchronized void ended(RunRecord.State state, long trained) {
    ended.merge(state, 1L, Long::sum);
    tokens += trained;
  }

  synchronized long of(RunRecord.State state) {
    return ended.getOrDefault(state, 0L);
  }

  /// Of those that ended.
  synchronized long tokens() {
    return tokens;
  }
}
