package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What a watcher hears of.
public sealed interface AdapterChange {
  AdapterName adapter();

  /// A version's weights moved, or it came or went.
  ///
  /// @param from null for a new version, or at the start of a watch
  /// @param to null for a version that is gone
  record Moved(
      AdapterName adapter,
      int number,
      String digest,
      @Nullable Tier from,
      @Nullable Tier to,
      Duration loadTime)
      implements AdapterChange {}

  /// An alias was set or removed.
  ///
  /// @param alias null: removed
  record Aliased(AdapterName adapter, String name, @Nullable AliasRecord alias)
      implements AdapterChange {}
}
