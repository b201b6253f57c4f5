package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class AdapterTiersTest {
  private static final int SIZE = 64 << 10;

  private final AtomicInteger loads = new AtomicInteger();

  /// All that was ever loaded.
  private final Queue<LoraWeights> loaded = new ConcurrentLinkedQueue<>();

  /// What a device with memory of its own does not have now.
  private final Set<LoraWeights> inHost = ConcurrentHashMap.newKeySet();

  private volatile long quota = Long.MAX_VALUE;
  private AdapterTiers tiers = tiers(4 * SIZE);

  @AfterEach
  void close() {
    tiers.close();
  }

  @Test
  void lease_evictedAndReturned_isFreedAtOnce() {
    List<Lease> leases = new ArrayList<>();
    for (int i = 1; i <= 20; i++) {
      leases.add(tiers.lease(version(i)).join());
    }
    // More than the cache holds, but every one is leased.
    assertThat(alive()).isEqualTo(20);
    assertThat(tiers.stats()).isEqualTo(new TierStats(20, 20L * SIZE, 0, 0, 20, 20));
    leases.forEach(Lease::close);
    assertThat(alive()).isLessThanOrEqualTo(4);
    assertThat(tiers.stats().bytes()).isLessThanOrEqualTo(4 * SIZE);
    assertThat(tiers.stats().leases()).isZero();
  }

  @Test
  void lease_closedTwice_countsOnce() {
    Lease lease = tiers.lease(version(1)).join();
    Lease other = tiers.lease(version(1)).join();
    lease.close();
    lease.close();
    assertThat(tiers.leases(version(1))).isEqualTo(1);
    other.close();
  }

  @Test
  void lease_ofAnotherTenantWithTheSameDigest_loadsItsOwn() {
    try (Lease mine = tiers.lease(version(1)).join();
        Lease theirs = tiers.lease(version("other", 1)).join()) {
      assertThat(theirs.weights()).isNotSameAs(mine.weights());
      assertThat(theirs.tier()).isEqualTo(Tier.DISK);
    }
  }

  @Test
  void tier_isHostWhileTheDeviceHasNoCopy() {
    List<String> moves = new ArrayList<>();
    tiers.listen((version, from, to, time) -> moves.add(from + " -> " + to));
    Lease first = tiers.lease(version(1)).join();
    assertThat(tiers.tier(version(1))).isEqualTo(Tier.DEVICE);
    inHost.add(first.weights());
    assertThat(tiers.tier(version(1))).isEqualTo(Tier.HOST);
    try (Lease again = tiers.lease(version(1)).join();
        Lease other = tiers.lease(version(2)).join()) {
      assertThat(again.tier()).isEqualTo(Tier.HOST);
      assertThat(other.tier()).isEqualTo(Tier.DISK);
      assertThat(tiers.stats()).isEqualTo(new TierStats(1, SIZE, 1, SIZE, 3, 2));
    }
    first.close();
    assertThat(tiers.unload(version(1))).isCompleted();
    assertThat(moves).containsExactly("DISK -> DEVICE", "DISK -> DEVICE", "HOST -> DISK");
  }

  @Test
  void unload_whileLeased_waitsForTheLastLeaseAndNewOnesLoadAnew() {
    Lease lease = tiers.lease(version(1)).join();
    CompletableFuture<Void> unloaded = tiers.unload(version(1));
    assertThat(unloaded).isNotDone();
    assertThat(tiers.tier(version(1))).isEqualTo(Tier.DISK);
    try (Lease anew = tiers.lease(version(1)).join()) {
      assertThat(anew.weights()).isNotSameAs(lease.weights());
      lease.close();
      assertThat(unloaded).isCompleted();
      assertThat(alive()).isEqualTo(1);
    }
    assertThat(tiers.unload(version(1))).isCompleted();
    assertThat(tiers.unload(version(1))).isCompleted();
    assertThat(alive()).isZero();
  }

  @Test
  void pin_keepsWeightsWhateverElseIsLoaded() {
    pin(1);
    pin(1);
    for (int i = 2; i < 50; i++) {
      tiers.lease(version(i)).join().close();
    }
    assertThat(tiers.pinned(version(1))).isTrue();
    assertThat(tiers.tier(version(1))).isEqualTo(Tier.DEVICE);
    assertThat(tiers.stats().bytes()).isLessThanOrEqualTo(4 * SIZE);
    tiers.unpin(version(1));
    tiers.unpin(version(1));
    for (int i = 2; i < 500; i++) {
      tiers.lease(version(i)).join().close();
    }
    assertThat(tiers.pinned(version(1))).isFalse();
    assertThat(tiers.stats().adapters()).isEqualTo(4);
  }

  @Test
  void pin_moreThanHalfOfTheMemory_isRefused() {
    pin(1);
    pin(2);
    assertThatThrownBy(() -> pin(3)).isInstanceOf(AdapterException.class);
    assertThat(tiers.unload(version(1))).isCompleted();
    pin(3);
    assertThat(tiers.pinned(version(1))).isFalse();
  }

  @Test
  void quota_dropsTheTenantsOwnIdleWeights_thenRefuses() {
    quota = 2 * SIZE;
    tiers.lease(version("other", 1)).join().close();
    tiers.lease(version(1)).join().close();
    Lease second = tiers.lease(version(2)).join();
    Lease third = tiers.lease(version(3)).join();
    assertThat(tiers.tier(version(1))).isEqualTo(Tier.DISK);
    assertThat(tiers.tier(version("other", 1))).isEqualTo(Tier.DEVICE);
    CompletableFuture<Lease> fourth = tiers.lease(version(4));
    assertThatThrownBy(fourth::join)
        .hasRootCauseInstanceOf(AdapterException.class)
        .hasMessageContaining("resident_bytes");
    assertThat(alive()).isEqualTo(3);
    second.close();
    tiers.lease(version(4)).join().close();
    third.close();
  }

  @Test
  void moves_areTold() {
    List<String> moves = new ArrayList<>();
    AdapterTiers.Listener listener =
        (version, from, to, time) -> moves.add(version.number() + " " + from + " " + to);
    tiers.listen(listener);
    tiers.lease(version(1)).join().close();
    assertThat(tiers.unload(version(1))).isCompleted();
    tiers.unlisten(listener);
    tiers.lease(version(2)).join().close();
    assertThat(moves).containsExactly("1 DISK DEVICE", "1 DEVICE DISK");
  }

  @Test
  void close_freesWhatIsNotLeased() {
    Lease lease = tiers.lease(version(1)).join();
    tiers.lease(version(2)).join().close();
    tiers.close();
    assertThat(alive()).isEqualTo(1);
    lease.close();
    assertThat(alive()).isZero();
  }

  /// Leases, pins, unloads and evictions of many threads: no lease ever sees freed weights, one
  /// load runs at a time, and in the end only what the cache holds is left.
  @ParameterizedTest
  @ValueSource(ints = {4, 1_000})
  void anything_atOnce_neverFreesWhatIsLeased(int capacity) throws Exception {
    tiers.close();
    tiers = tiers((long) capacity * SIZE);
    try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
      List<Future<?>> running = new ArrayList<>();
      for (int caller = 0; caller < 8; caller++) {
        Random random = new Random(caller);
        running.add(callers.submit(() -> anything(random)));
      }
      for (Future<?> future : running) {
        future.get();
      }
    }
    for (int i = 1; i <= 10; i++) {
      tiers.unpin(version(i));
    }
    assertThat(tiers.stats().leases()).isZero();
    assertThat(tiers.stats().adapters()).isLessThanOrEqualTo(capacity);
    assertThat(alive()).isEqualTo(tiers.stats().adapters());
    tiers.close();
    assertThat(alive()).isZero();
  }

  private void anything(Random random) {
    for (int i = 0; i < 3_000; i++) {
      AdapterVersion version = version(1 + random.nextInt(10));
      switch (random.nextInt(20)) {
        case 0 -> tiers.unload(version).join();
        case 1 -> tiers.unpin(version);
        default -> {
          try (Lease lease = tiers.lease(version).join()) {
            if (random.nextInt(20) == 0) {
              try {
                tiers.pin(lease);
              } catch (AdapterException e) {
                assertThat(e.refusal()).isInstanceOf(AdapterRefusal.TooLarge.class);
              }
            }
            Pair pair = lease.weights().pairs().values().iterator().next();
            assertThat(pair.a().get(0, 0)).isEqualTo(version.number());
          }
        }
      }
    }
  }

  private void pin(int number) {
    try (Lease lease = tiers.lease(version(number)).join()) {
      tiers.pin(lease);
    }
  }

  private long alive() {
    return loaded.stream()
        .filter(
            weights -> {
              boolean held = weights.retain();
              if (held) {
                weights.release();
              }
              return held;
            })
        .count();
  }

  private AdapterTiers tiers(long bytes) {
    return new AdapterTiers(
        bytes, tenant -> quota, weights -> !inHost.contains(weights), this::load);
  }

  private LoraWeights load(AdapterVersion version) {
    loads.incrementAndGet();
    Matrix a = Matrix.of(DType.F32, 1, 1, version.number());
    LoraWeights weights =
        new LoraWeights(
            Map.of(new Site(0, Projection.Q), new Pair(a, a, 1)), Map.of(), Map.of(), null, SIZE);
    loaded.add(weights);
    return weights;
  }

  private static AdapterVersion version(int number) {
    return version("public", number);
  }

  private static AdapterVersion version(String tenant, int number) {
    return new AdapterVersion(
        tenant,
        "a",
        number,
        "sha256:%064x".formatted(number),
        "",
        1,
        List.of(),
        0,
        0,
        false,
        false,
        Instant.EPOCH);
  }
}
