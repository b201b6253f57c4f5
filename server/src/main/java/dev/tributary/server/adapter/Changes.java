package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.VersionRecord;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/// Tells whoever watches of changes, in the thread that made them.
///
/// Who changes names holds the lock of this object while it commits and tells, so that watchers
/// hear of changes in the order in which they took effect.
final class Changes {
  private final List<Consumer<AdapterChange>> listeners = new CopyOnWriteArrayList<>();

  /// @param listener must neither block nor throw
  /// @return to be run to hear no more
  Runnable listen(Consumer<AdapterChange> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  void moved(AdapterVersion version, Tier from, Tier to, Duration loadTime) {
    tell(
        new AdapterChange.Moved(
            new AdapterName(version.tenant(), version.name()),
            version.number(),
            version.digest(),
            from,
            to,
            loadTime));
  }

  void came(VersionRecord version) {
    tell(
        new AdapterChange.Moved(
            version.adapter(),
            version.number(),
            version.facts().digest(),
            null,
            Tier.DISK,
            Duration.ZERO));
  }

  void went(VersionRecord version) {
    tell(
        new AdapterChange.Moved(
            version.adapter(),
            version.number(),
            version.facts().digest(),
            Tier.DISK,
            null,
            Duration.ZERO));
  }

  void aliased(AdapterName adapter, AliasRecord alias) {
    tell(new AdapterChange.Aliased(adapter, alias.name(), alias));
  }

  void unaliased(AdapterName adapter, String alias) {
    tell(new AdapterChange.Aliased(adapter, alias, null));
  }

  private void tell(AdapterChange change) {
    listeners.forEach(listener -> listener.accept(change));
  }
}
