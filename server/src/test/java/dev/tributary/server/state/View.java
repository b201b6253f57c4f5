package dev.tributary.server.state;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All adapters at one moment.
///
/// @param versions of all of them, in order
record View(
    List<AdapterRecord> adapters,
    List<VersionRecord> versions,
    Map<AdapterName, List<AliasRecord>> aliases) {

  /// Read by pages of this size.
  static View of(Adapters state, Collection<String> tenants, int page) {
    List<AdapterRecord> adapters = new ArrayList<>();
    List<VersionRecord> versions = new ArrayList<>();
    Map<AdapterName, List<AliasRecord>> aliases = new HashMap<>();
    @Nullable AdapterName after = null;
    List<AdapterRecord> read;
    do {
      read = state.list(tenants, after, page);
      adapters.addAll(read);
      after = read.isEmpty() ? null : read.getLast().name();
    } while (after != null);
    for (AdapterRecord adapter : adapters) {
      versions.addAll(versions(state, adapter.name(), page));
      aliases.put(adapter.name(), state.aliases(adapter.name()));
    }
    return new View(adapters, versions, aliases);
  }

  private static List<VersionRecord> versions(Adapters state, AdapterName name, int page) {
    List<VersionRecord> versions = new ArrayList<>();
    int before = Integer.MAX_VALUE;
    List<VersionRecord> read;
    do {
      read = state.versions(name, before, page);
      versions.addAll(read);
      before = read.isEmpty() ? 0 : read.getLast().number();
    } while (!read.isEmpty());
    return versions.reversed();
  }

  View withoutEtags() {
    Map<AdapterName, List<AliasRecord>> plain = new HashMap<>();
    aliases.forEach(
        (name, of) ->
            plain.put(
                name,
                of.stream()
                    .map(a -> new AliasRecord(a.name(), a.targets(), a.shadow(), ""))
                    .toList()));
    return new View(
        adapters.stream()
            .map(
                a ->
                    new AdapterRecord(
                        a.name(),
                        a.description(),
                        a.labels(),
                        a.versionCount(),
                        a.latestVersion(),
                        a.created(),
                        a.updated(),
                        ""))
            .toList(),
        List.copyOf(versions),
        plain);
  }

  /// In an order that depends on the rest only.
  List<String> etags() {
    List<String> etags = new ArrayList<>();
    for (AdapterRecord adapter : adapters) {
      etags.add(adapter.etag());
      aliases.getOrDefault(adapter.name(), List.of()).forEach(alias -> etags.add(alias.etag()));
    }
    return etags;
  }
}
