package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Adapters;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.StateException;
import dev.tributary.server.state.StorageLimits;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionState;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The versions in `state.db` whose files lie in folders that the operator offers. At most one of
/// an adapter is offered at a time; those before it go, unless an alias of the caller's making
/// leads there.
final class LinkedVersions {
  /// Of one adapter that are looked at; those that a folder had are among the newest.
  private static final int MAX_VERSIONS = 1_000;

  private final Adapters adapters;
  private final Changes changes;

  LinkedVersions(Adapters adapters, Changes changes) {
    this.adapters = adapters;
    this.changes = changes;
  }

  /// The versions that folders hold, by the folders' names; those that are new are made, and those
  /// of new adapters together: each commit waits for the disk.
  Map<String, VersionRecord> register(Map<String, VersionFacts> folders) {
    Map<String, VersionRecord> registered = new HashMap<>();
    Map<AdapterName, VersionFacts> fresh = new HashMap<>();
    synchronized (changes) {
      folders.forEach(
          (folder, facts) -> {
            AdapterName adapter = new AdapterName(Tenants.PUBLIC, folder);
            if (adapters.get(adapter).isEmpty()) {
              fresh.put(adapter, facts);
            } else {
              registered.put(folder, register(adapter, facts));
            }
          });
      for (VersionRecord version : adapters.publishAll(fresh, StorageLimits.NONE)) {
        changes.came(version);
        tellProd(version.adapter());
        registered.put(version.adapter().name(), version);
      }
    }
    return registered;
  }

  private VersionRecord register(AdapterName adapter, VersionFacts facts) {
    List<VersionRecord> known = linked(adapter);
    if (!known.isEmpty() && known.getFirst().facts().digest().equals(facts.digest())) {
      VersionRecord newest = known.getFirst();
      return facts.folder() == null || facts.folder().equals(newest.facts().folder())
          ? newest
          : adapters.setFolder(adapter, newest.number(), facts.folder());
    }
    VersionRecord version = adapters.publish(adapter, facts, StorageLimits.NONE);
    changes.came(version);
    follow(adapter, known, version.number());
    known.forEach(this::remove);
    return version;
  }

  /// Lets `prod` follow the folder, unless somebody has set it to something else.
  private void follow(AdapterName adapter, List<VersionRecord> before, int number) {
    Optional<AliasRecord> prod = adapters.alias(adapter, AliasRecord.PROD);
    Set<Integer> ours = new HashSet<>(Set.of(number));
    before.forEach(old -> ours.add(old.number()));
    if (prod.isEmpty()
        || prod.get().targets().stream().allMatch(target -> ours.contains(target.number()))) {
      List<AliasRecord.Target> target = List.of(new AliasRecord.Target(number, 1));
      var unused = adapters.setAlias(adapter, AliasRecord.PROD, target, null, null);
      tellProd(adapter);
    }
  }

  private void tellProd(AdapterName adapter) {
    adapters.alias(adapter, AliasRecord.PROD).ifPresent(alias -> changes.aliased(adapter, alias));
  }

  /// The version's folder is gone.
  void drop(String folder) {
    AdapterName adapter = new AdapterName(Tenants.PUBLIC, folder);
    synchronized (changes) {
      List<VersionRecord> known = linked(adapter);
      if (known.isEmpty()) {
        return;
      }
      int all = adapters.get(adapter).orElseThrow().versionCount();
      if (all == known.size()) {
        List<AliasRecord> aliases = adapters.aliases(adapter);
        adapters.delete(adapter, null);
        aliases.forEach(alias -> changes.unaliased(adapter, alias.name()));
        known.forEach(changes::went);
      } else {
        known.forEach(this::remove);
      }
    }
  }

  /// Drops all versions but those of these folders.
  void retain(Set<String> folders) {
    Set<String> gone = new HashSet<>();
    for (VersionRecord version : adapters.linked()) {
      gone.add(version.adapter().name());
    }
    gone.removeAll(folders);
    gone.forEach(this::drop);
  }

  private void remove(VersionRecord version) {
    try {
      adapters.deleteVersion(version.adapter(), version.number());
      changes.went(version);
    } catch (StateException e) {
      if (!(e.reason() instanceof StateException.InUse)) {
        throw e;
      }
      adapters.setState(
          version.adapter(),
          version.number(),
          VersionState.QUARANTINED,
          "its folder no longer holds this version");
    }
  }

  /// Newest first.
  private List<VersionRecord> linked(AdapterName adapter) {
    return adapters.versions(adapter, Integer.MAX_VALUE, MAX_VERSIONS).stream()
        .filter(version -> version.facts().folder() != null)
        .filter(version -> version.state() != VersionState.QUARANTINED)
        .toList();
  }
}
