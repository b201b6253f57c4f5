package dev.tributary.server.state;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What [Adapters] should do, in memory. Etags are numbers that grow.
final class ModelAdapters {
  private record Entry(
      AdapterRecord adapter,
      SortedMap<Integer, VersionRecord> versions,
      SortedMap<String, AliasRecord> aliases) {}

  private final InstantSource time;
  private final SortedMap<AdapterName, Entry> entries = new TreeMap<>();
  private int etags;

  ModelAdapters(InstantSource time) {
    this.time = time;
  }

  ModelAdapters copy() {
    ModelAdapters copy = new ModelAdapters(time);
    copy.etags = etags;
    entries.forEach(
        (name, entry) ->
            copy.entries.put(
                name,
                new Entry(
                    entry.adapter(),
                    new TreeMap<>(entry.versions()),
                    new TreeMap<>(entry.aliases()))));
    return copy;
  }

  View view() {
    List<AdapterRecord> adapters = new ArrayList<>();
    List<VersionRecord> versions = new ArrayList<>();
    Map<AdapterName, List<AliasRecord>> aliases = new HashMap<>();
    entries.forEach(
        (name, entry) -> {
          adapters.add(entry.adapter());
          versions.addAll(entry.versions().values());
          aliases.put(name, List.copyOf(entry.aliases().values()));
        });
    return new View(adapters, versions, aliases);
  }

  private String etag() {
    return String.valueOf(++etags);
  }

  private static StateException notFound(String kind, String name) {
    return new StateException(new StateException.NotFound(kind, name));
  }

  private Entry require(AdapterName name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw notFound("adapter", name.toString());
    }
    return entry;
  }

  private VersionRecord requireVersion(AdapterName name, int number) {
    Entry entry = entries.get(name);
    VersionRecord version = entry == null ? null : entry.versions().get(number);
    if (version == null) {
      throw notFound("version", number + " of " + name);
    }
    return version;
  }

  private void put(AdapterRecord adapter, Entry entry) {
    entries.put(adapter.name(), new Entry(adapter, entry.versions(), entry.aliases()));
  }

  private void touch(AdapterName name, int latest) {
    Entry entry = require(name);
    AdapterRecord old = entry.adapter();
    put(
        new AdapterRecord(
            name,
            old.description(),
            old.labels(),
            entry.versions().size(),
            latest,
            old.created(),
            now(),
            etag()),
        entry);
  }

  private Instant now() {
    return State.now(time);
  }

  private void begin(AdapterName name, StorageLimits limits) {
    long used =
        entries.keySet().stream().filter(other -> other.tenant().equals(name.tenant())).count();
    if (limits.adapters() != null && used >= limits.adapters()) {
      throw new StateException(new StateException.OverQuota("adapters", limits.adapters(), used));
    }
    AdapterRecord blank = new AdapterRecord(name, "", new TreeMap<>(), 0, 0, now(), now(), etag());
    entries.put(name, new Entry(blank, new TreeMap<>(), new TreeMap<>()));
  }

  void create(
      AdapterName name, String description, Map<String, String> labels, StorageLimits limits) {
    if (entries.containsKey(name)) {
      throw new StateException(new StateException.AlreadyExists("adapter", name.toString()));
    }
    begin(name, limits);
    Entry entry = require(name);
    put(entry.adapter().withDescription(description).withLabels(labels), entry);
  }

  void update(AdapterName name, boolean stale, String description) {
    AdapterRecord adapter = require(name).adapter();
    checkEtag("adapter", name.toString(), stale);
    put(adapter.withDescription(description), require(name));
    touch(name, adapter.latestVersion());
  }

  void delete(AdapterName name, boolean stale) {
    require(name);
    checkEtag("adapter", name.toString(), stale);
    entries.remove(name);
  }

  long bytes(String tenant) {
    Map<String, Long> digests = new HashMap<>();
    entries.forEach(
        (name, entry) -> {
          if (name.tenant().equals(tenant)) {
            entry.versions().values().stream()
                .map(VersionRecord::facts)
                .forEach(f -> digests.merge(f.digest(), f.storedBytes(), Math::max));
          }
        });
    return digests.values().stream().mapToLong(Long::longValue).sum();
  }

  void publish(AdapterName name, VersionFacts facts, StorageLimits limits) {
    ModelAdapters before = copy();
    if (!entries.containsKey(name)) {
      begin(name, limits);
    }
    Entry entry = require(name);
    int number = entry.adapter().latestVersion() + 1;
    long used = bytes(name.tenant());
    entry
        .versions()
        .put(number, new VersionRecord(name, number, facts, VersionState.READY, "", false, now()));
    long after = bytes(name.tenant());
    if (limits.bytes() != null && after > limits.bytes() && after > used) {
      entries.clear();
      entries.putAll(before.entries);
      throw new StateException(new StateException.OverQuota("adapter_bytes", limits.bytes(), used));
    }
    if (number == 1) {
      List<AliasRecord.Target> first = List.of(new AliasRecord.Target(1, 1));
      entry.aliases().put("prod", new AliasRecord("prod", first, null, etag()));
    }
    touch(name, number);
  }

  void setState(AdapterName name, int number, VersionState state, String reason) {
    VersionRecord old = requireVersion(name, number);
    change(
        new VersionRecord(name, number, old.facts(), state, reason, old.pinned(), old.created()));
  }

  void setPinned(AdapterName name, int number, boolean pinned) {
    VersionRecord old = requireVersion(name, number);
    change(
        new VersionRecord(
            name, number, old.facts(), old.state(), old.reason(), pinned, old.created()));
  }

  private void change(VersionRecord version) {
    require(version.adapter()).versions().put(version.number(), version);
  }

  void restart() {
    for (VersionRecord version : view().versions()) {
      if (version.state() == VersionState.DRAINING) {
        setState(version.adapter(), version.number(), VersionState.READY, "");
      }
    }
  }

  void deleteVersion(AdapterName name, int number) {
    requireVersion(name, number);
    Entry entry = require(name);
    for (AliasRecord alias : entry.aliases().values()) {
      boolean shadows = alias.shadow() != null && alias.shadow().number() == number;
      if (shadows || alias.targets().stream().anyMatch(target -> target.number() == number)) {
        throw new StateException(
            new StateException.InUse("version", number + " of " + name, "alias " + alias.name()));
      }
    }
    entry.versions().remove(number);
    touch(name, entry.adapter().latestVersion());
  }

  void setAlias(
      AdapterName name,
      String alias,
      List<AliasRecord.Target> targets,
      AliasRecord.@Nullable Shadow shadow,
      boolean stale) {
    Entry entry = require(name);
    checkEtag("alias", alias + " of " + name, stale);
    AliasRecord record = new AliasRecord(alias, targets, shadow, etag());
    for (AliasRecord.Target target : record.targets()) {
      requireVersion(name, target.number());
    }
    if (shadow != null) {
      requireVersion(name, shadow.number());
    }
    entry.aliases().put(alias, record);
    touch(name, entry.adapter().latestVersion());
  }

  void removeAlias(AdapterName name, String alias, boolean stale) {
    Entry entry = entries.get(name);
    if (entry == null || !entry.aliases().containsKey(alias)) {
      throw notFound("alias", alias + " of " + name);
    }
    checkEtag("alias", alias + " of " + name, stale);
    entry.aliases().remove(alias);
    touch(name, Objects.requireNonNull(entry).adapter().latestVersion());
  }

  /// The current etag is the caller's to compare.
  private static void checkEtag(String kind, String name, boolean stale) {
    if (stale) {
      throw new StateException(new StateException.EtagMismatch(kind, name, ""));
    }
  }
}
