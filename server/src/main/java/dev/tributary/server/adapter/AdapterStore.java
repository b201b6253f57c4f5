package dev.tributary.server.adapter;

import dev.tributary.server.adapter.AdapterRef.Alias;
import dev.tributary.server.adapter.AdapterRef.Digest;
import dev.tributary.server.adapter.AdapterRef.Number;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// The adapters that are offered, and their weights in memory. Thread safe.
public final class AdapterStore implements AutoCloseable {
  /// The tenant whose adapters all callers can name.
  public static final String TENANT = "public";

  private final OfferedFolders folders;
  private final AdapterReader reader;
  private final AdapterTiers tiers;

  /// Offers the adapters of a folder of PEFT folders.
  ///
  /// @param probe proves each adapter's effect; called from a loader's thread
  /// @param hostBytes memory for weights that no answer uses now, and most for a single adapter
  public AdapterStore(
      Path folder, BaseWeights base, BaseIdentity identity, Probe probe, long hostBytes) {
    reader = new AdapterReader(base, identity, new EffectProof(probe), hostBytes);
    folders = new OfferedFolders(folder, reader);
    tiers = new AdapterTiers(hostBytes, this::read);
  }

  /// The version that `ref` names for a caller of `tenant`, pinned to its digest.
  ///
  /// Reads files only if the adapter is unknown, or was refused and its files have changed since.
  ///
  /// @throws AdapterException if there is none, or it is refused
  public AdapterVersion resolve(String tenant, AdapterRef ref) {
    Offer offer = offer(tenant, ref.name());
    AdapterRefusal refusal = offer.refusal();
    if (refusal != null) {
      throw new AdapterException(refusal);
    }
    AdapterVersion version = offer.version();
    if (version == null) {
      throw new IllegalStateException("neither version nor refusal: " + ref.name());
    }
    boolean named =
        switch (ref.version()) {
          case Number(int number) -> number == version.number();
          case Alias(String alias) -> alias.equals(AdapterRef.DEFAULT_ALIAS);
          case Digest(String digest) -> digest.equals(version.digest());
        };
    if (!named) {
      throw new AdapterException(
          new AdapterRefusal.NoSuchVersion(
              ref.name(),
              ref.version().text(),
              List.of(
                  "version %d (alias \"%s\", %s)"
                      .formatted(version.number(), AdapterRef.DEFAULT_ALIAS, version.digest()))));
    }
    return version;
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

  /// What is known of one adapter, refused ones too.
  ///
  /// @throws AdapterException if there is none
  public AdapterInfo get(String tenant, String name) {
    return info(offer(tenant, name));
  }

  /// All adapters that a caller of any tenant can name, by name, refused ones too. Looks at every
  /// folder for changes.
  ///
  /// @param after name of the last one of the page before; empty for the first page
  /// @param limit most on a page
  public List<AdapterInfo> list(String after, int limit) {
    return folders.all().tailMap(after, false).values().stream()
        .limit(limit)
        .map(this::info)
        .toList();
  }

  /// Ends the loaders; leases that wait for them end in an [IllegalStateException].
  @Override
  public void close() {
    tiers.close();
  }

  private Offer offer(String tenant, String name) {
    // No tenant but `public` has adapters of its own yet, so one's own namespace is empty and
    // another's is as good as unknown.
    int slash = name.indexOf('/');
    boolean offered = slash < 0 || name.substring(0, slash).equals(TENANT);
    Offer offer = offered ? folders.find(name.substring(slash + 1)) : null;
    if (offer == null) {
      throw new AdapterException(new AdapterRefusal.NotFound(name));
    }
    return offer;
  }

  private LoraWeights read(AdapterVersion version) {
    try {
      Offer offer = folders.known(version.name());
      if (offer == null) {
        throw new AdapterException(new AdapterRefusal.NotFound(version.name()));
      }
      return reader.load(offer.folder(), version);
    } catch (AdapterException e) {
      if (!(e.refusal() instanceof AdapterRefusal.Unreadable)) {
        folders.refuse(version, e.refusal());
      }
      throw e;
    }
  }

  private AdapterInfo info(Offer offer) {
    AdapterVersion version = offer.version();
    return new AdapterInfo(
        TENANT,
        offer.name(),
        version,
        offer.refusal(),
        version == null ? Tier.DISK : tier(version),
        version == null ? 0 : leases(version));
  }
}
