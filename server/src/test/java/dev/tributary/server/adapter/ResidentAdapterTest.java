package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.LoraWeights;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.junit.jupiter.api.Test;

class ResidentAdapterTest {
  private static final int THREADS = 3;

  private static final AdapterVersion VERSION =
      new AdapterVersion(
          "public",
          "town",
          1,
          "sha256:" + "0".repeat(64),
          "",
          4,
          List.of(),
          0,
          0,
          false,
          false,
          Instant.EPOCH);

  private static LoraWeights weights() {
    return new LoraWeights(Map.of(), Map.of(), Map.of(), null, 0);
  }

  @Test
  void weights_stayUntilTheLastOfLeaseCacheAndPinEnds() {
    ResidentAdapter resident = new ResidentAdapter(VERSION, weights());
    CompletableFuture<Void> gone = resident.gone();
    assertThat(resident.cache()).isTrue();
    assertThat(resident.lease()).isTrue();
    resident.pinned(true);
    resident.loaded();
    resident.uncached();
    resident.returned();
    assertThat(gone).isNotDone();
    resident.pinned(false);
    assertThat(gone).isDone();
    assertThat(resident.lease()).isFalse();
    assertThat(resident.weights().retain()).isFalse();
  }

  /// What the holds on one adapter look like to its users: each thread returns only its own leases.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static final class Holds {
    private final ResidentAdapter resident = new ResidentAdapter(VERSION, weights());
    private final int[] leases = new int[THREADS + 2];

    @Operation
    public boolean lease(@Param(name = "thread") int thread) {
      boolean leased = resident.lease();
      leases[thread] += leased ? 1 : 0;
      return leased;
    }

    @Operation
    public String giveBack(@Param(name = "thread") int thread) {
      if (leases[thread] == 0) {
        return "none";
      }
      leases[thread]--;
      boolean alive = resident.weights().retain();
      if (alive) {
        resident.weights().release();
      }
      resident.returned();
      return alive ? "returned" : "freed under a lease";
    }

    @Operation
    public void loaded() {
      resident.loaded();
    }

    @Operation
    public boolean cache(@Param(name = "thread") int thread) {
      return leases[thread] > 0 && resident.cache();
    }

    @Operation
    public void evict() {
      resident.uncached();
    }

    @Operation
    public void detach() {
      resident.detach();
    }
  }

  @Test
  void holds_ofSeveralThreads_areLinearizable() {
    new ModelCheckingOptions()
        .iterations(10)
        .invocationsPerIteration(100)
        .threads(THREADS)
        .actorsPerThread(3)
        .check(Holds.class);
  }
}
