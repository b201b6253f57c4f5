package dev.tributary.server.adapter;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tributary.server.adapter.AdapterRef.Alias;
import dev.tributary.server.adapter.AdapterRef.Digest;
import dev.tributary.server.adapter.AdapterRef.Number;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The adapters that are offered, and their weights in memory.
///
/// Weights are found in two places. The cache is bounded in bytes and evicts what was not used for
/// long. The index holds weakly whatever is still reachable, so that a version which was evicted
/// while answers use it is not loaded a second time. One load runs per (tenant, digest), however
/// many ask for it. Thread safe.
public final class AdapterStore implements AutoCloseable {
  /// The tenant whose adapters all callers can name.
  public static final String TENANT = "public";

  /// Threads that load. Two hide one's wait for the disk or the engine.
  private static final int LOADERS = 2;

  /// Versions that may wait for a loader.
  private static final int MAX_WAITING = 1_024;

  /// Caffeine weighs in int; so many bytes are one unit.
  private static final long WEIGHT_UNIT = 1_024;

  private record Key(String tenant, String digest) {}

  private final OfferedFolders folders;
  private final AdapterReader reader;
  private final Cache<Key, ResidentAdapter> cache;
  private final Cache<Key, ResidentAdapter> index = Caffeine.newBuilder().weakValues().build();
  private final Map<Key, CompletableFuture<ResidentAdapter>> loads = new ConcurrentHashMap<>();
  private final ThreadPoolExecutor loaders;

  /// Offers the adapters of a folder of PEFT folders.
  ///
  /// @param probe proves each adapter's effect; called from a loader's thread
  /// @param hostBytes memory for weights that no answer uses now, and most for a single adapter
  public AdapterStore(
      Path folder, BaseWeights base, BaseIdentity identity, Probe probe, long hostBytes) {
    reader = new AdapterReader(base, identity, new EffectProof(probe), hostBytes);
    folders = new OfferedFolders(folder, reader);
    cache =
        Caffeine.newBuilder()
            .maximumWeight(hostBytes / WEIGHT_UNIT)
            .weigher(AdapterStore::weight)
            .executor(Runnable::run)
            .build();
    loaders =
        new ThreadPoolExecutor(
            LOADERS,
            LOADERS,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().daemon().name("adapter-load-", 0).factory());
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
    long asked = System.nanoTime();
    CompletableFuture<Lease> future = new CompletableFuture<>();
    ResidentAdapter resident = resident(key(version));
    if (resident != null) {
      future.complete(new Lease(version, resident, Tier.DEVICE, Duration.ZERO));
      return future;
    }
    load(version)
        .whenComplete(
            (loaded, failure) -> {
              if (failure != null) {
                future.completeExceptionally(failure);
                return;
              }
              Duration waited = Duration.ofNanos(System.nanoTime() - asked);
              Lease lease = new Lease(version, loaded, Tier.DISK, waited);
              if (!future.complete(lease)) {
                lease.close();
              }
            });
    return future;
  }

  /// Where the weights of `version` are.
  public Tier tier(AdapterVersion version) {
    return index.getIfPresent(key(version)) == null ? Tier.DISK : Tier.DEVICE;
  }

  /// How many leases of `version` are open.
  public int leases(AdapterVersion version) {
    ResidentAdapter resident = index.getIfPresent(key(version));
    return resident == null ? 0 : resident.leases();
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
    loaders.shutdownNow();
    IllegalStateException closed = new IllegalStateException("the adapter store is closed");
    loads.values().forEach(load -> load.completeExceptionally(closed));
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

  private @Nullable ResidentAdapter resident(Key key) {
    ResidentAdapter cached = cache.getIfPresent(key);
    if (cached != null) {
      return cached;
    }
    ResidentAdapter evicted = index.getIfPresent(key);
    if (evicted != null) {
      cache.put(key, evicted);
    }
    return evicted;
  }

  private CompletableFuture<ResidentAdapter> load(AdapterVersion version) {
    Key key = key(version);
    CompletableFuture<ResidentAdapter> load = new CompletableFuture<>();
    CompletableFuture<ResidentAdapter> running = loads.putIfAbsent(key, load);
    if (running != null) {
      return running;
    }
    // A load that ended since the caller looked put its result in place before it left `loads`.
    ResidentAdapter resident = resident(key);
    if (resident != null) {
      loads.remove(key, load);
      load.complete(resident);
      return load;
    }
    try {
      loaders.execute(() -> run(version, load));
    } catch (RejectedExecutionException e) {
      loads.remove(key, load);
      load.completeExceptionally(
          loaders.isShutdown()
              ? new IllegalStateException("the adapter store is closed", e)
              : new AdapterException(new AdapterRefusal.Busy(MAX_WAITING), e));
    }
    return load;
  }

  private void run(AdapterVersion version, CompletableFuture<ResidentAdapter> load) {
    Key key = key(version);
    try {
      ResidentAdapter adapter = new ResidentAdapter(read(version));
      index.put(key, adapter);
      cache.put(key, adapter);
      loads.remove(key, load);
      load.complete(adapter);
    } catch (AdapterException e) {
      if (!(e.refusal() instanceof AdapterRefusal.Unreadable)) {
        folders.refuse(version, e.refusal());
      }
      loads.remove(key, load);
      load.completeExceptionally(e);
    } catch (RuntimeException | Error e) {
      loads.remove(key, load);
      load.completeExceptionally(e);
    }
  }

  private LoraWeights read(AdapterVersion version) {
    Offer offer = folders.known(version.name());
    if (offer == null) {
      throw new AdapterException(new AdapterRefusal.NotFound(version.name()));
    }
    return reader.load(offer.folder(), version);
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

  private static Key key(AdapterVersion version) {
    return new Key(version.tenant(), version.digest());
  }

  private static int weight(Key key, ResidentAdapter adapter) {
    return Math.toIntExact(Math.ceilDiv(adapter.weights().bytes(), WEIGHT_UNIT));
  }
}
