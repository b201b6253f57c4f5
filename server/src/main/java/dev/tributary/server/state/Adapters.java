package dev.tributary.server.state;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Adapters with their versions and aliases. Every method is one transaction.
///
/// Numbers of versions grow as long as the adapter lives, and are not given again when a version is
/// deleted. An adapter that is made again after its deletion is another one, and starts at 1.
public final class Adapters {
  /// Aliases of one adapter.
  public static final int MAX_ALIASES = 64;

  /// Something of an adapter: a number, a digest or an alias.
  private record Part(AdapterName adapter, Object part) {}

  private final Database database;
  private final InstantSource time;
  private final Recent<Part, VersionRecord> byNumber = new Recent<>();
  private final Recent<Part, VersionRecord> byDigest = new Recent<>();
  private final Recent<Part, AliasRecord> byAlias = new Recent<>();

  Adapters(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
  }

  /// Makes an adapter without versions.
  public AdapterRecord create(
      AdapterName name, String description, Map<String, String> labels, StorageLimits limits) {
    return write(
        session -> {
          if (AdapterTable.find(session, name).isPresent()) {
            throw new StateException(
                new StateException.AlreadyExists(AdapterTable.KIND, name.toString()));
          }
          AdapterTable.create(session, name, limits, time.instant());
          AdapterRecord blank = AdapterTable.require(session, name);
          AdapterRecord adapter = blank.withDescription(description).withLabels(labels);
          AdapterTable.describe(session, adapter);
          return adapter;
        });
  }

  public Optional<AdapterRecord> get(AdapterName name) {
    return database.read(session -> AdapterTable.find(session, name));
  }

  /// In the order of [AdapterName].
  ///
  /// @param after last one of the page before; null for the first page
  /// @param limit in [1, 10,000]
  public List<AdapterRecord> list(
      Collection<String> tenants, @Nullable AdapterName after, int limit) {
    Checks.page(limit);
    return database.read(
        session -> {
          List<AdapterRecord> page = new ArrayList<>();
          for (String tenant : new TreeSet<>(tenants)) {
            int order = after == null ? 1 : tenant.compareTo(after.tenant());
            if (order >= 0 && page.size() < limit) {
              String from = order == 0 && after != null ? after.name() : "";
              page.addAll(AdapterTable.page(session, tenant, from, limit - page.size()));
            }
          }
          return page;
        });
  }

  /// Changes description or labels.
  ///
  /// @param etag that the stored adapter must have; null: any
  /// @param change of description and labels; it must keep the rest
  public AdapterRecord update(
      AdapterName name, @Nullable String etag, UnaryOperator<AdapterRecord> change) {
    return write(
        session -> {
          AdapterRecord before = AdapterTable.require(session, name);
          Checks.etag(AdapterTable.KIND, name.toString(), etag, before.etag());
          AdapterRecord after = change.apply(before);
          if (!before.equals(
              after.withDescription(before.description()).withLabels(before.labels()))) {
            throw new IllegalArgumentException("only description and labels can be changed");
          }
          AdapterTable.describe(session, after);
          AdapterTable.touch(session, name, time.instant());
          return AdapterTable.require(session, name);
        });
  }

  /// Deletes an adapter with all its versions and aliases.
  ///
  /// @param etag that the stored adapter must have; null: any
  public void delete(AdapterName name, @Nullable String etag) {
    change(
        session -> {
          AdapterRecord adapter = AdapterTable.require(session, name);
          Checks.etag(AdapterTable.KIND, name.toString(), etag, adapter.etag());
          AdapterTable.delete(session, name);
        });
  }

  /// Adds a version, which is READY and not pinned; makes the adapter if it does not exist, and the
  /// alias `prod` with version 1.
  public VersionRecord publish(AdapterName name, VersionFacts facts, StorageLimits limits) {
    return publishAll(Map.of(name, facts), limits).getFirst();
  }

  /// The same, and takes the upload away by which the files came, both or nothing: so an upload
  /// makes one version, even if the process ends before its caller hears of it.
  public VersionRecord publish(
      AdapterName name, VersionFacts facts, StorageLimits limits, String upload) {
    return write(
        session -> {
          Uploads.delete(session, name.tenant(), upload);
          return publish(session, name, facts, limits);
        });
  }

  /// Adds a version of each adapter, all or none.
  public List<VersionRecord> publishAll(
      Map<AdapterName, VersionFacts> versions, StorageLimits limits) {
    return write(
        session -> {
          List<VersionRecord> published = new ArrayList<>(versions.size());
          for (Map.Entry<AdapterName, VersionFacts> version : versions.entrySet()) {
            published.add(publish(session, version.getKey(), version.getValue(), limits));
          }
          return published;
        });
  }

  private VersionRecord publish(
      Session session, AdapterName name, VersionFacts facts, StorageLimits limits)
      throws SQLException {
    Instant now = State.now(time);
    if (AdapterTable.find(session, name).isEmpty()) {
      AdapterTable.create(session, name, limits, now);
    }
    int number = AdapterTable.require(session, name).latestVersion() + 1;
    VersionRecord version =
        new VersionRecord(name, number, facts, VersionState.READY, "", false, now);
    insert(session, version, limits);
    AdapterTable.setLatest(session, name, number);
    AdapterTable.touch(session, name, now);
    if (number == 1) {
      List<AliasRecord.Target> first = List.of(new AliasRecord.Target(1, 1));
      AliasTable.store(
          session, name, new AliasRecord(AliasRecord.PROD, first, null, Nonces.etag()));
    }
    return version;
  }

  private static void insert(Session session, VersionRecord version, StorageLimits limits)
      throws SQLException {
    String tenant = version.adapter().tenant();
    if (limits.bytes() == null) {
      VersionTable.insert(session, version);
    } else {
      long before = VersionTable.bytes(session, tenant);
      VersionTable.insert(session, version);
      limits.checkBytes(before, VersionTable.bytes(session, tenant));
    }
  }

  public Optional<VersionRecord> version(AdapterName name, int number) {
    return byNumber.get(
        new Part(name, number),
        () -> database.read(session -> VersionTable.find(session, name, number)));
  }

  /// The newest of the adapter's versions with this digest.
  public Optional<VersionRecord> versionByDigest(AdapterName name, String digest) {
    return byDigest.get(
        new Part(name, digest),
        () -> database.read(session -> VersionTable.find(session, name, digest)));
  }

  /// Newest first. Empty, too, for an adapter that does not exist.
  ///
  /// @param before number of the last one of the page before; [Integer#MAX_VALUE] for the first
  ///   page
  /// @param limit in [1, 10,000]
  public List<VersionRecord> versions(AdapterName name, int before, int limit) {
    Checks.page(limit);
    return database.read(session -> VersionTable.page(session, name, before, limit));
  }

  /// All that are pinned, of all tenants, in order.
  public List<VersionRecord> pinned() {
    return database.read(VersionTable::pinned);
  }

  /// All whose files lie outside of the store, of all tenants, in order.
  public List<VersionRecord> linked() {
    return database.read(VersionTable::linked);
  }

  /// Says whether a version can be used.
  ///
  /// @param reason at most 1,000 characters are kept
  public VersionRecord setState(AdapterName name, int number, VersionState state, String reason) {
    String kept = reason.substring(0, Math.min(VersionRecord.MAX_REASON, reason.length()));
    return changeVersion(
        name, number, session -> VersionTable.setState(session, name, number, state, kept));
  }

  public VersionRecord setPinned(AdapterName name, int number, boolean pinned) {
    return changeVersion(
        name, number, session -> VersionTable.setPinned(session, name, number, pinned));
  }

  /// Remembers where the folder of a linked version lies now.
  public VersionRecord setFolder(AdapterName name, int number, Path folder) {
    return changeVersion(
        name,
        number,
        session -> {
          if (VersionTable.require(session, name, number).facts().folder() == null) {
            throw new IllegalArgumentException(
                "version " + VersionTable.label(name, number) + " lies in the store");
          }
          VersionTable.setFolder(session, name, number, folder);
        });
  }

  private VersionRecord changeVersion(AdapterName name, int number, Database.Change change) {
    return write(
        session -> {
          VersionTable.require(session, name, number);
          change.run(session);
          return VersionTable.require(session, name, number);
        });
  }

  /// Deletes a version that no alias leads to.
  public void deleteVersion(AdapterName name, int number) {
    change(
        session -> {
          VersionTable.require(session, name, number);
          AliasTable.to(session, name, number)
              .ifPresent(
                  alias -> {
                    throw new StateException(
                        new StateException.InUse(
                            VersionTable.KIND, VersionTable.label(name, number), "alias " + alias));
                  });
          VersionTable.delete(session, name, number);
          AdapterTable.touch(session, name, time.instant());
        });
  }

  /// By name. Empty, too, for an adapter that does not exist.
  public List<AliasRecord> aliases(AdapterName name) {
    return database.read(session -> AliasTable.all(session, name));
  }

  public Optional<AliasRecord> alias(AdapterName name, String alias) {
    return byAlias.get(
        new Part(name, alias),
        () -> database.read(session -> AliasTable.find(session, name, alias)));
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
    AliasRecord record = new AliasRecord(alias, targets, shadow, Nonces.etag());
    return write(
        session -> {
          AdapterTable.require(session, name);
          Optional<AliasRecord> before = AliasTable.find(session, name, alias);
          checkEtag(name, alias, etag, before);
          int aliases = AliasTable.count(session, name);
          if (before.isEmpty() && aliases >= MAX_ALIASES) {
            throw new StateException(new StateException.OverQuota("aliases", MAX_ALIASES, aliases));
          }
          requireVersions(session, name, record);
          AliasTable.store(session, name, record);
          AdapterTable.touch(session, name, time.instant());
          return record;
        });
  }

  private static void requireVersions(Session session, AdapterName name, AliasRecord alias)
      throws SQLException {
    for (AliasRecord.Target target : alias.targets()) {
      VersionTable.require(session, name, target.number());
    }
    if (alias.shadow() != null) {
      VersionTable.require(session, name, alias.shadow().number());
    }
  }

  /// Takes an alias away.
  ///
  /// @param etag that the stored alias must have; null: any
  public void removeAlias(AdapterName name, String alias, @Nullable String etag) {
    change(
        session -> {
          Optional<AliasRecord> before = AliasTable.find(session, name, alias);
          if (before.isEmpty()) {
            throw new StateException(
                new StateException.NotFound(AliasTable.KIND, AliasTable.label(name, alias)));
          }
          checkEtag(name, alias, etag, before);
          AliasTable.delete(session, name, alias);
          AdapterTable.touch(session, name, time.instant());
        });
  }

  private static void checkEtag(
      AdapterName name, String alias, @Nullable String etag, Optional<AliasRecord> stored) {
    Checks.etag(
        AliasTable.KIND,
        AliasTable.label(name, alias),
        etag,
        stored.map(AliasRecord::etag).orElse(""));
  }

  /// Of all tenants.
  public VersionTotals totals() {
    return database.read(VersionTable::totals);
  }

  public StorageUse use(String tenant) {
    return database.read(session -> VersionTable.use(session, tenant));
  }

  /// All files that versions in the store need; the store may delete others.
  public Set<StoredDigest> stored() {
    return Set.copyOf(database.read(VersionTable::stored));
  }

  /// Whether a version in the store needs these files.
  public boolean isStored(StoredDigest files) {
    return database.read(session -> VersionTable.isStored(session, files));
  }

  private <T> T write(Database.Work<T> work) {
    T result = database.write(work);
    byNumber.changed();
    byDigest.changed();
    byAlias.changed();
    return result;
  }

  private void change(Database.Change change) {
    write(
        session -> {
          change.run(session);
          return true;
        });
  }
}
