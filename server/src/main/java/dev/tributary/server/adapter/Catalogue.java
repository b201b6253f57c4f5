package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AdapterRecord;
import dev.tributary.server.state.Adapters;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.StorageLimits;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Names, versions and aliases, as `state.db` has them, and changes of them. What the state refuses
/// is a [dev.tributary.server.state.StateException]. Thread safe.
public final class Catalogue {
  /// Versions that are read at a time.
  private static final int PAGE = 1_000;

  private final Adapters adapters;
  private final Tenants tenants;
  private final Resolver resolver;
  private final OfferedFolders folders;
  private final AdapterTiers tiers;
  private final Changes changes;

  Catalogue(
      Adapters adapters,
      Tenants tenants,
      Resolver resolver,
      OfferedFolders folders,
      AdapterTiers tiers,
      Changes changes) {
    this.adapters = adapters;
    this.tenants = tenants;
    this.resolver = resolver;
    this.folders = folders;
    this.tiers = tiers;
    this.changes = changes;
  }

  /// The adapter that a name leads a caller of `tenant` to.
  ///
  /// @throws AdapterException NotFound
  public AdapterInfo get(String tenant, String name) {
    return info(resolver.find(tenant, name));
  }

  /// The adapter of the caller's own namespace that a name leads to, whether or not it exists.
  ///
  /// @throws AdapterException ReadOnly for what the caller can read only, else NotFound
  public AdapterName own(String tenant, String name) {
    return resolver.own(tenant, name);
  }

  /// Adapters by tenant and name, refused folders too; the first page looks at every folder for
  /// changes.
  ///
  /// @param after last one of the page before; null for the first page
  /// @param limit most on a page, in [1, 10,000]
  public List<AdapterInfo> list(Collection<String> of, @Nullable AdapterName after, int limit) {
    if (after == null && of.contains(Tenants.PUBLIC)) {
      folders.look();
    }
    NavigableMap<AdapterName, AdapterRecord> page = new TreeMap<>();
    if (of.contains(Tenants.PUBLIC)) {
      for (AdapterName name : refused(after, limit)) {
        page.put(name, Resolver.refused(name));
      }
    }
    adapters.list(of, after, limit).forEach(adapter -> page.put(adapter.name(), adapter));
    return page.values().stream().limit(limit).map(this::info).toList();
  }

  /// Folders of `public` that are refused.
  private List<AdapterName> refused(@Nullable AdapterName after, int limit) {
    int order = after == null ? -1 : after.tenant().compareTo(Tenants.PUBLIC);
    if (order > 0) {
      return List.of();
    }
    return folders.refused(after != null && order == 0 ? after.name() : "").keySet().stream()
        .filter(OfferedFolders.NAME.asMatchPredicate())
        .limit(limit)
        .map(name -> new AdapterName(Tenants.PUBLIC, name))
        .toList();
  }

  /// Versions, newest first.
  ///
  /// @param before number of the last one of the page before; [Integer#MAX_VALUE] for the first
  /// @param limit in [1, 10,000]
  public List<VersionInfo> versions(AdapterName name, int before, int limit) {
    return adapters.versions(name, before, limit).stream().map(this::info).toList();
  }

  /// Aliases by name.
  public List<AliasRecord> aliases(AdapterName name) {
    return adapters.aliases(name);
  }

  public VersionInfo info(VersionRecord version) {
    AdapterVersion resident = AdapterVersion.of(version);
    return new VersionInfo(
        version.adapter(),
        version,
        resolver.refusal(version),
        tiers.tier(resident),
        tiers.leases(resident));
  }

  private AdapterInfo info(AdapterRecord adapter) {
    List<AliasRecord> aliases = adapters.aliases(adapter.name());
    VersionInfo prod =
        aliases.stream()
            .filter(alias -> alias.name().equals(AliasRecord.PROD))
            .findFirst()
            .map(Catalogue::heaviest)
            .flatMap(number -> adapters.version(adapter.name(), number))
            .map(this::info)
            .orElse(null);
    AdapterRefusal refusal = resolver.refusal(adapter.name());
    if (prod == null && refusal != null) {
      prod = new VersionInfo(adapter.name(), null, refusal, Tier.DISK, 0);
    }
    return new AdapterInfo(adapter, aliases, prod);
  }

  private static int heaviest(AliasRecord alias) {
    return alias.targets().stream()
        .max(Comparator.comparingInt(AliasRecord.Target::weight))
        .orElseThrow()
        .number();
  }

  public AdapterInfo create(AdapterName name, String description, Map<String, String> labels) {
    return info(adapters.create(name, description, labels, limits(name.tenant())));
  }

  /// @param etag that the stored adapter must have; null: any
  /// @param change of description and labels
  public AdapterInfo update(
      AdapterName name, @Nullable String etag, UnaryOperator<AdapterRecord> change) {
    return info(adapters.update(name, etag, change));
  }

  /// Points an alias at versions, making it if there is none.
  ///
  /// @param etag that the stored alias must have; null: any, or none
  public AliasRecord setAlias(
      AdapterName name,
      String alias,
      List<AliasRecord.Target> targets,
      AliasRecord.@Nullable Shadow shadow,
      @Nullable String etag) {
    synchronized (changes) {
      AliasRecord set = adapters.setAlias(name, alias, targets, shadow, etag);
      changes.aliased(name, set);
      return set;
    }
  }

  /// @param etag that the stored alias must have; null: any
  public void removeAlias(AdapterName name, String alias, @Nullable String etag) {
    synchronized (changes) {
      adapters.removeAlias(name, alias, etag);
      changes.unaliased(name, alias);
    }
  }

  /// Hears of every change from now on.
  ///
  /// @param listener must neither block nor throw
  /// @return to be run to hear no more
  public Runnable listen(Consumer<AdapterChange> listener) {
    return changes.listen(listener);
  }

  /// Makes a version visible; its files are in their place.
  ///
  /// @param upload that ends with that; null: none
  VersionRecord publish(AdapterName name, VersionFacts facts, @Nullable String upload) {
    StorageLimits limits = limits(name.tenant());
    synchronized (changes) {
      VersionRecord version =
          upload == null
              ? adapters.publish(name, facts, limits)
              : adapters.publish(name, facts, limits, upload);
      changes.came(version);
      if (version.number() == 1) {
        adapters.alias(name, AliasRecord.PROD).ifPresent(alias -> changes.aliased(name, alias));
      }
      return version;
    }
  }

  /// What the tenant may still store.
  ///
  /// @throws AdapterException OverQuota if `bytes` more, in `adapter`, are too much
  public void requireRoom(AdapterName adapter, long bytes) {
    StorageLimits limits = limits(adapter.tenant());
    var use = adapters.use(adapter.tenant());
    if (limits.bytes() != null && bytes > limits.bytes() - use.bytes()) {
      throw new AdapterException(
          new AdapterRefusal.OverQuota("adapter_bytes", limits.bytes(), use.bytes()));
    }
    Integer most = limits.adapters();
    if (most != null && use.adapters() >= most && adapters.get(adapter).isEmpty()) {
      throw new AdapterException(new AdapterRefusal.OverQuota("adapters", most, use.adapters()));
    }
  }

  /// Bytes that the tenant may still store, at most `most`.
  long room(String tenant, long most) {
    Long limit = limits(tenant).bytes();
    return limit == null ? most : Math.clamp(limit - adapters.use(tenant).bytes(), 0, most);
  }

  private StorageLimits limits(String tenant) {
    return tenants
        .get(tenant)
        .map(found -> StorageLimits.of(found.quota()))
        .orElse(StorageLimits.NONE);
  }

  Optional<VersionRecord> version(AdapterName name, int number) {
    return adapters.version(name, number);
  }

  /// The newest of the adapter's versions with this digest.
  Optional<VersionRecord> version(AdapterName name, String digest) {
    return adapters.versionByDigest(name, digest);
  }

  void setState(VersionRecord version, VersionState state, String reason) {
    adapters.setState(version.adapter(), version.number(), state, reason);
  }

  /// Deletes a version that no alias leads to.
  void delete(VersionRecord version) {
    synchronized (changes) {
      adapters.deleteVersion(version.adapter(), version.number());
      changes.went(version);
    }
  }

  /// Deletes an adapter with all that it has.
  ///
  /// @return its versions
  List<VersionRecord> delete(AdapterName name, @Nullable String etag) {
    synchronized (changes) {
      List<VersionRecord> versions = allVersions(name);
      List<AliasRecord> aliases = adapters.aliases(name);
      adapters.delete(name, etag);
      aliases.forEach(alias -> changes.unaliased(name, alias.name()));
      versions.forEach(changes::went);
      return versions;
    }
  }

  /// Fails as a deletion with this etag would, and deletes nothing.
  void requireEtag(AdapterName name, @Nullable String etag) {
    Optional<AdapterRecord> adapter = adapters.get(name);
    if (adapter.isEmpty() || (etag != null && !etag.equals(adapter.get().etag()))) {
      // The state says what is wrong.
      adapters.delete(name, etag);
    }
  }

  List<VersionRecord> allVersions(AdapterName name) {
    List<VersionRecord> all = new ArrayList<>();
    List<VersionRecord> page = adapters.versions(name, Integer.MAX_VALUE, PAGE);
    while (!page.isEmpty()) {
      all.addAll(page);
      page = adapters.versions(name, page.getLast().number(), PAGE);
    }
    return all;
  }
}
