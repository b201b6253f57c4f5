package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterChange;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.Catalogue;
import dev.tributary.server.adapter.VersionInfo;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.WatchAdaptersRequest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/// One watch: the present state, then every change.
///
/// Changes are gathered from before the state is read, so none is missed; one that the state shows
/// already may be told once more.
final class WatchCall {
  private static final int MAX_NAMES = 1_000;
  private static final int PAGE = 1_000;

  private final Catalogue catalogue;
  private final String tenant;
  private final InstantSource time;
  private final PacedStream<AdapterEvent> responses;
  private final Backlog<AdapterEvent> changes;

  /// Adapters that are watched; empty for all that the caller can read.
  private Set<AdapterName> names = Set.of();

  WatchCall(
      Catalogue catalogue,
      String tenant,
      InstantSource time,
      Call<?> call,
      PacedStream<AdapterEvent> responses) {
    this.catalogue = catalogue;
    this.tenant = tenant;
    this.time = time;
    this.responses = responses;
    changes = new Backlog<>(call);
  }

  /// @param find the adapter that a name leads to
  void run(WatchAdaptersRequest request, Function<String, AdapterInfo> find) {
    if (request.getNamesCount() > MAX_NAMES) {
      throw Statuses.invalid(
          "names", "has " + request.getNamesCount() + " entries, must have at most " + MAX_NAMES);
    }
    Set<AdapterName> found = new HashSet<>();
    request.getNamesList().forEach(name -> found.add(find.apply(name).adapter().name()));
    names = Set.copyOf(found);
    Runnable end = catalogue.listen(this::gather);
    try {
      if (names.isEmpty()) {
        tellAll();
      } else {
        request.getNamesList().forEach(name -> tell(find.apply(name)));
      }
      while (true) {
        responses.send(changes.next());
      }
    } finally {
      end.run();
    }
  }

  private void gather(AdapterChange change) {
    AdapterName adapter = change.adapter();
    boolean readable =
        adapter.tenant().equals(tenant) || adapter.tenant().equals(AdapterStore.TENANT);
    if (readable && (names.isEmpty() || names.contains(adapter))) {
      changes.add(AdapterAnswers.event(change, time.instant()));
    }
  }

  private void tellAll() {
    Set<String> readable = new HashSet<>(Set.of(tenant, AdapterStore.TENANT));
    List<AdapterInfo> page = catalogue.list(readable, null, PAGE);
    while (!page.isEmpty()) {
      page.forEach(this::tell);
      page = catalogue.list(readable, page.getLast().adapter().name(), PAGE);
    }
  }

  private void tell(AdapterInfo adapter) {
    AdapterName name = adapter.adapter().name();
    List<VersionInfo> page = catalogue.versions(name, Integer.MAX_VALUE, PAGE);
    while (!page.isEmpty()) {
      int last = 1;
      for (VersionInfo info : page) {
        VersionRecord version = info.version();
        if (version != null) {
          last = version.number();
          send(
              new AdapterChange.Moved(
                  name, last, version.facts().digest(), null, info.tier(), Duration.ZERO));
        }
      }
      page = catalogue.versions(name, last, PAGE);
    }
    for (AliasRecord alias : adapter.aliases()) {
      send(new AdapterChange.Aliased(name, alias.name(), alias));
    }
  }

  private void send(AdapterChange change) {
    responses.send(AdapterAnswers.event(change, time.instant()));
  }
}
