package dev.tributary.server.adapter;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.BackgroundThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Adapters' weights in memory, by tenant and digest.
///
/// A version is loaded once, however many ask for it at the same time, and stays while it is leased
/// or pinned, and beyond that while the cache has room (W-TinyLFU, weighed in bytes). Its memory is
/// freed in the moment in which nothing needs it any more. Thread safe.
final class AdapterTiers implements AutoCloseable {
  /// Reads a version's weights, and passes their hold to the caller.
  interface Loader {
    /// @throws AdapterException if the version cannot be served
    LoraWeights load(AdapterVersion version);
  }

  /// Hears of every move. Called by the thread that moved the weights; must not block or throw.
  interface Listener {
    /// @param loadTime zero for a move down
    void moved(AdapterVersion version, Tier from, Tier to, Duration loadTime);
  }

  /// Threads that load. Two hide one's wait for the disk or the engine.
  private static final int LOADERS = 2;

  /// Versions that may wait for a loader.
  private static final int MAX_WAITING = 1_024;

  /// Caffeine weighs in int; so many bytes are one unit.
  private static final long WEIGHT_UNIT = 1_024;

  private record Key(String tenant, String digest) {
    static Key of(AdapterVersion version) {
      return new Key(version.tenant(), version.digest());
    }
  }

  /// A lease that waits for a load.
  private record Waiter(AdapterVersion version, long asked, CompletableFuture<Lease> lease) {}

  private final Loader loader;
  private final long bytes;
  private final ToLongFunction<String> quota;
  private final Predicate<LoraWeights> onDevice;

  /// Everything in memory that new leases may have; what is in the cache is here, too.
  private final Map<Key, ResidentAdapter> residents = new ConcurrentHashMap<>();

  private final Cache<Key, ResidentAdapter> cache;

  /// Who waits for each load under way.
  private final Map<Key, List<Waiter>> loads = new ConcurrentHashMap<>();

  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final ThreadPoolExecutor loaders;

  private final LongAdder loaded = new LongAdder();

  @GuardedBy("this")
  private long pinnedBytes;

  /// @param bytes most that weights take which no answer uses now, pinned ones included
  /// @param quota most that a tenant's weights take; [Long#MAX_VALUE] for no limit
  /// @param onDevice whether weights in memory are where the kernels read them, now
  AdapterTiers(
      long bytes, ToLongFunction<String> quota, Predicate<LoraWeights> onDevice, Loader loader) {
    this.bytes = bytes;
    this.quota = quota;
    this.onDevice = onDevice;
    this.loader = loader;
    cache =
        Caffeine.newBuilder()
            .maximumWeight(bytes / WEIGHT_UNIT)
            .weigher(AdapterTiers::weight)
            .executor(Runnable::run)
            // Runs before anyone can put the same key in again.
            .evictionListener((key, evicted, cause) -> Objects.requireNonNull(evicted).uncached())
            .build();
    loaders =
        new ThreadPoolExecutor(
            LOADERS,
            LOADERS,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            BackgroundThreads.factory("adapter-load-"));
  }

  void listen(Listener listener) {
    listeners.add(listener);
  }

  void unlisten(Listener listener) {
    listeners.remove(listener);
  }

  /// The right to use the weights of `version`, which are loaded if they are not in memory.
  ///
  /// Ends in an [AdapterException] if the version cannot be loaded. Cancelling the future gives up
  /// the lease, not the load. What depends on the future may run on a loader's thread.
  CompletableFuture<Lease> lease(AdapterVersion version) {
    Waiter waiter = new Waiter(version, System.nanoTime(), new CompletableFuture<>());
    Key key = Key.of(version);
    if (hit(key, waiter)) {
      return waiter.lease;
    }
    boolean[] first = new boolean[1];
    loads.compute(
        key,
        (same, waiting) -> {
          // A load that ended since then put its result in place before it left `loads`.
          if (waiting == null && hit(key, waiter)) {
            return null;
          }
          first[0] = waiting == null;
          List<Waiter> all = waiting == null ? new ArrayList<>() : waiting;
          all.add(waiter);
          return all;
        });
    if (first[0]) {
      start(key, version);
    }
    return waiter.lease;
  }

  /// Leases what is in memory. False if it is not.
  private boolean hit(Key key, Waiter waiter) {
    ResidentAdapter resident = residents.get(key);
    if (resident == null || !resident.lease()) {
      return false;
    }
    keep(key, resident);
    return waiter.lease.complete(
        new Lease(waiter.version, resident, tier(resident), Duration.ZERO));
  }

  /// Counts a use, and puts what was evicted while it is leased into the cache again.
  private void keep(Key key, ResidentAdapter resident) {
    if (cache.getIfPresent(key) != resident && !resident.pinned()) {
      // What was unloaded or pinned since must not stay for the cache's sake.
      cache
          .asMap()
          .computeIfAbsent(key, absent -> !resident.pinned() && resident.cache() ? resident : null);
    }
  }

  private void start(Key key, AdapterVersion version) {
    try {
      loaders.execute(() -> load(key, version));
    } catch (RejectedExecutionException e) {
      fail(
          key,
          loaders.isShutdown()
              ? new IllegalStateException("the adapter store is closed", e)
              : new AdapterException(new AdapterRefusal.Busy(MAX_WAITING), e));
    }
  }

  private void load(Key key, AdapterVersion version) {
    long began = System.nanoTime();
    ResidentAdapter resident;
    try {
      resident = new ResidentAdapter(version, loader.load(version));
    } catch (RuntimeException | Error e) {
      fail(key, e);
      return;
    }
    try {
      admit(key, resident);
    } catch (AdapterException e) {
      resident.loaded();
      fail(key, e);
      return;
    }
    resident.gone().thenRun(() -> freed(key, resident));
    loaded.increment();
    keep(key, resident);
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    tell(version, Tier.DISK, tier(resident), took);
    List<Waiter> waiting = waiting(key);
    waiting.forEach(waiter -> resident.lease());
    resident.loaded();
    for (Waiter waiter : waiting) {
      Duration waited = Duration.ofNanos(System.nanoTime() - waiter.asked);
      Lease lease = new Lease(waiter.version, resident, Tier.DISK, waited);
      if (!waiter.lease.complete(lease)) {
        lease.close();
      }
    }
  }

  /// Makes new leases find the weights. Where that would be too much for the tenant, others of its
  /// that no answer uses go first, the least used before.
  ///
  /// @throws AdapterException if those that remain are too much
  private synchronized void admit(Key key, ResidentAdapter resident) {
    long most = quota.applyAsLong(key.tenant);
    long needed = resident.weights().bytes();
    long used = used(key.tenant);
    Iterator<Key> coldest =
        used <= most - needed ? Collections.emptyIterator() : coldest(key.tenant);
    while (used > most - needed && coldest.hasNext()) {
      Key other = coldest.next();
      ResidentAdapter idle = residents.get(other);
      if (idle != null && idle.leases() == 0) {
        used -= idle.weights().bytes();
        var unused = unload(other);
      }
    }
    if (used > most - needed) {
      throw new AdapterException(new AdapterRefusal.OverQuota("resident_bytes", most, used));
    }
    residents.put(key, resident);
  }

  /// What the cache has of a tenant, the least used first.
  private Iterator<Key> coldest(String tenant) {
    return cache.policy().eviction().orElseThrow().coldest(Integer.MAX_VALUE).keySet().stream()
        .filter(key -> key.tenant.equals(tenant))
        .iterator();
  }

  private long used(String tenant) {
    return residents.entrySet().stream()
        .filter(entry -> entry.getKey().tenant.equals(tenant))
        .mapToLong(entry -> entry.getValue().weights().bytes())
        .sum();
  }

  private void fail(Key key, Throwable cause) {
    waiting(key).forEach(waiter -> waiter.lease.completeExceptionally(cause));
  }

  /// Ends a load: who asks from now on starts another, or finds its result.
  private List<Waiter> waiting(Key key) {
    List<Waiter> waiting = loads.remove(key);
    return waiting == null ? List.of() : waiting;
  }

  private void freed(Key key, ResidentAdapter resident) {
    residents.remove(key, resident);
    tell(resident.version(), tier(resident), Tier.DISK, Duration.ZERO);
  }

  private void tell(AdapterVersion version, Tier from, Tier to, Duration loadTime) {
    listeners.forEach(listener -> listener.moved(version, from, to, loadTime));
  }

  /// Keeps the weights of a leased version in memory until [#unpin] or [#unload]. Pinning twice is
  /// pinning once.
  ///
  /// @throws AdapterException if pinned versions would take more than half of the memory
  void pin(Lease lease) {
    Key key = Key.of(lease.version());
    ResidentAdapter resident = lease.resident();
    synchronized (this) {
      // What was unloaded since it was leased is as good as pinned before that.
      if (resident.pinned() || residents.get(key) != resident) {
        return;
      }
      long room = Math.max(bytes / 2 - pinnedBytes, 0);
      if (resident.weights().bytes() > room) {
        throw new AdapterException(new AdapterRefusal.TooLarge(resident.weights().bytes(), room));
      }
      resident.pinned(true);
      pinned(resident.weights().bytes());
    }
    uncache(key, resident);
  }

  /// Lets the weights go with the others again.
  void unpin(AdapterVersion version) {
    Key key = Key.of(version);
    ResidentAdapter resident = residents.get(key);
    if (resident != null && resident.lease()) {
      unpin(resident);
      keep(key, resident);
      resident.returned();
    }
  }

  /// @param resident leased, so that the pin's end frees nothing
  private synchronized void unpin(ResidentAdapter resident) {
    if (resident.pinned()) {
      resident.pinned(false);
      pinned(-resident.weights().bytes());
    }
  }

  /// Takes the weights from the tier. Completes when the last lease of them was returned; who
  /// leases the version from now on loads it anew.
  CompletableFuture<Void> unload(AdapterVersion version) {
    return unload(Key.of(version));
  }

  private CompletableFuture<Void> unload(Key key) {
    ResidentAdapter resident;
    synchronized (this) {
      resident = residents.remove(key);
    }
    if (resident == null || !resident.lease()) {
      return CompletableFuture.completedFuture(null);
    }
    unpin(resident);
    resident.detach();
    uncache(key, resident);
    resident.returned();
    return resident.gone().copy();
  }

  private void uncache(Key key, ResidentAdapter resident) {
    // Not computeIfPresent, which does not wait for a computeIfAbsent under way.
    cache
        .asMap()
        .compute(
            key,
            (same, cached) -> {
              if (cached != resident) {
                return cached;
              }
              resident.uncached();
              return null;
            });
  }

  @GuardedBy("this")
  private void pinned(long more) {
    pinnedBytes += more;
    cache.policy().eviction().orElseThrow().setMaximum((bytes - pinnedBytes) / WEIGHT_UNIT);
  }

  /// Where the weights of `version` are.
  Tier tier(AdapterVersion version) {
    ResidentAdapter resident = resident(version);
    return resident == null ? Tier.DISK : tier(resident);
  }

  private Tier tier(ResidentAdapter resident) {
    return onDevice.test(resident.weights()) ? Tier.DEVICE : Tier.HOST;
  }

  boolean pinned(AdapterVersion version) {
    ResidentAdapter resident = resident(version);
    return resident != null && resident.pinned();
  }

  /// How many leases of `version` are open.
  int leases(AdapterVersion version) {
    ResidentAdapter resident = resident(version);
    return resident == null ? 0 : resident.leases();
  }

  TierStats stats() {
    Map<Tier, List<ResidentAdapter>> now =
        residents.values().stream().collect(Collectors.groupingBy(this::tier));
    List<ResidentAdapter> device = now.getOrDefault(Tier.DEVICE, List.of());
    List<ResidentAdapter> host = now.getOrDefault(Tier.HOST, List.of());
    return new TierStats(
        device.size(),
        bytes(device),
        host.size(),
        bytes(host),
        leases(device) + leases(host),
        loaded.sum());
  }

  private static long bytes(List<ResidentAdapter> adapters) {
    return adapters.stream().mapToLong(resident -> resident.weights().bytes()).sum();
  }

  private static int leases(List<ResidentAdapter> adapters) {
    return adapters.stream().mapToInt(ResidentAdapter::leases).sum();
  }

  private @Nullable ResidentAdapter resident(AdapterVersion version) {
    return residents.get(Key.of(version));
  }

  /// Ends the loaders and frees what is not leased; leases that wait for a load end in an
  /// [IllegalStateException].
  @Override
  public void close() {
    loaders.shutdownNow();
    IllegalStateException closed = new IllegalStateException("the adapter store is closed");
    List.copyOf(loads.keySet()).forEach(key -> fail(key, closed));
    List.copyOf(residents.keySet()).forEach(this::unload);
  }

  private static int weight(Key key, ResidentAdapter adapter) {
    return Math.toIntExact(Math.ceilDiv(adapter.weights().bytes(), WEIGHT_UNIT));
  }
}
