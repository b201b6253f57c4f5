package dev.tributary.server.adapter;

import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Adapters;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.State;
import dev.tributary.server.state.StoredDigest;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The adapters that can be used: names ([Catalogue]), files ([Intake]) and weights in memory.
/// Thread safe.
public final class AdapterStore implements AutoCloseable {
  /// The tenant whose adapters all callers can name.
  public static final String TENANT = Tenants.PUBLIC;

  private static final Logger log = LoggerFactory.getLogger(AdapterStore.class);

  /// Waits for a version's last lease, as long as its caller has time.
  public interface Patience {
    /// Returns when `drained` is complete; throws if the caller does not wait any longer.
    void await(CompletableFuture<Void> drained);
  }

  private final Adapters adapters;
  private final AdapterReader reader;
  private final Builds builds;
  private final AdapterTiers tiers;
  private final OfferedFolders folders;
  private final Resolver resolver;
  private final Catalogue catalogue;
  private final VersionFiles files;
  private final Intake intake;
  private final Rehearsal rehearsal;

  /// Versions that were taken from the tier while answers used them.
  private final Map<StoredDigest, CompletableFuture<Void>> draining = new ConcurrentHashMap<>();

  /// Takes away what an end of the process left behind, looks at the offered folders, and begins to
  /// load what is pinned.
  ///
  /// @param probe proves each adapter's effect; called from a loader's thread
  /// @param builds told of each version before it is first served
  /// @throws IOException if the folders of `settings` cannot be used
  public AdapterStore(
      AdapterSettings settings,
      State state,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      RemoteAdapters remote,
      Builds builds)
      throws IOException {
    this(settings, state, base, identity, probe, remote, builds, new LocalDisk());
  }

  AdapterStore(
      AdapterSettings settings,
      State state,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      RemoteAdapters remote,
      Builds builds,
      Disk disk)
      throws IOException {
    adapters = state.adapters();
    this.builds = builds;
    Path root = settings.data().resolve("adapters");
    Path discarded = root.resolve(".trash");
    Trash trash = new Trash(discarded, disk);
    files = new VersionFiles(root, disk, trash);
    Staging staging = new Staging(settings.data().resolve("uploads"), disk, trash);
    Set<String> uploads = state.uploads().ids();
    staging.sweep(uploads::contains, Integer.MAX_VALUE);
    Set<StoredDigest> stored = adapters.stored();
    files.collect(
        (tenant, digest) -> stored.contains(new StoredDigest(tenant, digest)), Integer.MAX_VALUE);
    reader = new AdapterReader(base, identity, new EffectProof(probe), settings.hostBytes());
    Changes changes = new Changes();
    folders = new OfferedFolders(settings.folder(), reader, new LinkedVersions(adapters, changes));
    resolver = new Resolver(adapters, folders, identity);
    tiers =
        new AdapterTiers(
            settings.hostBytes(),
            tenant ->
                state
                    .tenants()
                    .get(tenant)
                    .map(found -> found.quota().residentBytes())
                    .orElse(Long.MAX_VALUE),
            base::holds,
            this::read);
    tiers.listen(changes::moved);
    catalogue = new Catalogue(adapters, state.tenants(), resolver, folders, tiers, changes);
    Path importRoot = settings.importRoot();
    intake =
        new Intake(
            catalogue,
            state.uploads(),
            state.contributions(),
            reader,
            staging,
            files,
            importRoot == null ? null : new ImportRoot(importRoot),
            remote,
            this::isStored);
    // Where it lies, an end of the process in between leaves nothing that stays.
    rehearsal =
        new Rehearsal(reader, base.config(), identity, discarded.resolve("rehearsal"), trash);
    folders.look();
    adapters.pinned().forEach(this::pinAgain);
  }

  /// Gets the code that loads adapters compiled, in a thread of its own; at most once.
  public void rehearse() {
    rehearsal.start();
  }

  public Catalogue catalogue() {
    return catalogue;
  }

  public Intake intake() {
    return intake;
  }

  /// The version that `ref` names for a caller of `tenant`, pinned to its digest.
  ///
  /// Reads files only if the adapter is unknown, or is an offered folder that was refused.
  ///
  /// @param affinity what chooses among the versions of a weighted alias
  /// @throws AdapterException if there is none, or it is not served
  public AdapterVersion resolve(String tenant, AdapterRef ref, String affinity) {
    return AdapterVersion.of(resolver.resolve(tenant, ref, affinity));
  }

  /// The version under which an answer is to be scored again: the shadow of the alias that led to
  /// its version, for the share of generations that the alias says.
  ///
  /// @param generation id of the answer's
  public Optional<AdapterVersion> shadow(
      AdapterRef ref, AdapterVersion answered, String generation) {
    if (!(ref.version() instanceof AdapterRef.Alias(String alias))) {
      return Optional.empty();
    }
    AdapterName name = name(answered);
    return adapters
        .alias(name, alias)
        .map(AliasRecord::shadow)
        .filter(shadow -> shadow.number() != answered.number())
        .filter(shadow -> Resolver.share(name, alias, generation) < shadow.sharePpm())
        .flatMap(shadow -> adapters.version(name, shadow.number()))
        .filter(version -> version.state() == VersionState.READY)
        .filter(version -> resolver.refusal(version) == null)
        .map(AdapterVersion::of);
  }

  /// The right to use the weights of `version`, which are loaded if they are not in memory.
  ///
  /// Ends in an [AdapterException] if the version cannot be loaded. Cancelling the future gives up
  /// the lease, not the load. What depends on the future may run on a loader's thread.
  public CompletableFuture<Lease> lease(AdapterVersion version) {
    return tiers.lease(version);
  }

  /// Where the weights of `version` are.
  public Tier tier(AdapterVersion version) {
    return tiers.tier(version);
  }

  /// How many leases of `version` are open.
  public int leases(AdapterVersion version) {
    return tiers.leases(version);
  }

  /// Versions in memory, and the bytes of their weights.
  public TierStats stats() {
    return tiers.stats();
  }

  /// What is known of a version now.
  public VersionInfo info(AdapterVersion version) {
    return catalogue.info(record(version));
  }

  /// Keeps the weights of a leased version in memory until [#unpin] or [#unload], across restarts.
  ///
  /// @throws AdapterException if pinned versions would take too much of the memory
  public void pin(Lease lease) {
    tiers.pin(lease);
    AdapterVersion version = lease.version();
    adapters.setPinned(name(version), version.number(), true);
  }

  /// Lets the weights go with the others again.
  public void unpin(AdapterVersion version) {
    adapters.setPinned(name(version), version.number(), false);
    tiers.unpin(version);
  }

  /// Drops the weights from memory when the last answer that uses them has ended. Who asks for the
  /// version from now on loads it anew.
  public void unload(AdapterVersion version, Patience patience) {
    adapters.setPinned(name(version), version.number(), false);
    patience.await(drained(version));
  }

  /// Completes when the last lease has ended of what was in memory until now, also of what an
  /// earlier call took from the tier and did not wait for.
  private CompletableFuture<Void> drained(AdapterVersion version) {
    StoredDigest key = new StoredDigest(version.tenant(), version.digest());
    CompletableFuture<Void> drained =
        draining.compute(
            key,
            (same, before) -> {
              CompletableFuture<Void> now = tiers.unload(version);
              return before == null ? now : CompletableFuture.allOf(before, now);
            });
    drained.thenRun(() -> draining.remove(key, drained));
    // Who gives up cancels its own.
    return drained.copy();
  }

  /// Deletes a version that no alias leads to, when the last answer that uses it has ended. It
  /// cannot be named from now on; should `patience` end, it can again.
  public void deleteVersion(AdapterName name, int number, Patience patience) {
    Optional<VersionRecord> found = adapters.version(name, number);
    boolean named =
        adapters.aliases(name).stream()
            .flatMap(alias -> alias.targets().stream())
            .anyMatch(target -> target.number() == number);
    if (found.isEmpty() || named) {
      // The state says what is wrong.
      adapters.deleteVersion(name, number);
      return;
    }
    VersionRecord version = found.get();
    requireOwn(version);
    drain(List.of(version), patience, () -> catalogue.delete(version));
    discard(List.of(version));
  }

  /// Deletes an adapter with its versions and aliases, when the last answer that uses one has
  /// ended.
  ///
  /// @param etag that the stored adapter must have; null: any
  public void deleteAdapter(AdapterName name, @Nullable String etag, Patience patience) {
    List<VersionRecord> versions = catalogue.allVersions(name);
    versions.forEach(AdapterStore::requireOwn);
    List<VersionRecord> deleted = new ArrayList<>();
    catalogue.requireEtag(name, etag);
    drain(versions, patience, () -> deleted.addAll(catalogue.delete(name, etag)));
    discard(deleted);
  }

  /// What nobody has in memory has no leases to wait for.
  private void drain(List<VersionRecord> versions, Patience patience, Runnable delete) {
    List<VersionRecord> draining =
        versions.stream()
            .filter(version -> version.state() == VersionState.READY)
            .filter(this::isInUse)
            .toList();
    boolean deleted = false;
    try {
      draining.forEach(version -> catalogue.setState(version, VersionState.DRAINING, ""));
      CompletableFuture<?>[] drained =
          draining.stream()
              .map(version -> drained(AdapterVersion.of(version)))
              .toArray(CompletableFuture<?>[]::new);
      patience.await(CompletableFuture.allOf(drained));
      delete.run();
      deleted = true;
    } finally {
      if (!deleted) {
        draining.forEach(version -> catalogue.setState(version, VersionState.READY, ""));
      }
    }
  }

  private boolean isInUse(VersionRecord version) {
    AdapterVersion resident = AdapterVersion.of(version);
    return tiers.tier(resident) != Tier.DISK
        || draining.containsKey(new StoredDigest(resident.tenant(), resident.digest()));
  }

  /// Takes away the files, and the weights that somebody may have loaded meanwhile.
  private void discard(List<VersionRecord> versions) {
    for (VersionRecord version : versions) {
      tiers.unload(AdapterVersion.of(version));
      try {
        files.discard(version.adapter().tenant(), version.facts().digest(), this::isStored);
      } catch (IOException e) {
        // They are collected at the next start.
        log.warn("files of {} could not be deleted", version.facts().digest(), e);
      }
    }
  }

  private static void requireOwn(VersionRecord version) {
    if (version.facts().folder() != null) {
      throw new AdapterException(new AdapterRefusal.Linked(version.adapter().name()));
    }
  }

  /// Ends the loaders; leases that wait for them end in an [IllegalStateException].
  @Override
  public void close() {
    rehearsal.close();
    tiers.close();
  }

  private boolean isStored(String tenant, String digest) {
    return adapters.isStored(new StoredDigest(tenant, digest));
  }

  private LoraWeights read(AdapterVersion version) {
    VersionRecord record = record(version);
    Path linked = record.facts().folder();
    Path folder = linked != null ? linked : files.folder(version.tenant(), version.digest());
    try {
      LoraWeights weights =
          reader.load(new PeftFolder(folder), version, record.facts().baseMismatchAllowed());
      return recorded(record, weights);
    } catch (AdapterException e) {
      if (isLasting(e.refusal())) {
        refuse(record, e.refusal());
      }
      throw e;
    }
  }

  /// The one way to a version's weights, however it came here.
  private LoraWeights recorded(VersionRecord version, LoraWeights weights) {
    try {
      builds.record(version, weights);
      return weights;
    } catch (RuntimeException | Error e) {
      weights.release();
      throw e;
    }
  }

  private void refuse(VersionRecord version, AdapterRefusal refusal) {
    if (version.facts().folder() != null) {
      folders.refuse(AdapterVersion.of(version), refusal);
      return;
    }
    log.warn("version {} of {}: {}", version.number(), version.adapter(), refusal.message());
    catalogue.setState(version, VersionState.QUARANTINED, refusal.message());
    try {
      files.quarantine(version.adapter().tenant(), version.facts().digest(), refusal.message());
    } catch (IOException e) {
      // The state keeps it from being served.
      log.error("files of {} could not be moved away", version.facts().digest(), e);
    }
  }

  /// Whether the files themselves are at fault.
  private static boolean isLasting(AdapterRefusal refusal) {
    return !(refusal instanceof AdapterRefusal.Unreadable
        || refusal instanceof AdapterRefusal.TooLarge);
  }

  private void pinAgain(VersionRecord version) {
    tiers
        .lease(AdapterVersion.of(version))
        .whenComplete(
            (lease, failure) -> {
              if (failure != null) {
                log.warn("{} cannot be pinned again", version.adapter(), failure);
                return;
              }
              try (lease) {
                tiers.pin(lease);
              }
            });
  }

  private VersionRecord record(AdapterVersion version) {
    return adapters
        .version(name(version), version.number())
        .orElseThrow(() -> new AdapterException(new AdapterRefusal.NotFound(version.name())));
  }

  private static AdapterName name(AdapterVersion version) {
    return new AdapterName(version.tenant(), version.name());
  }
}
