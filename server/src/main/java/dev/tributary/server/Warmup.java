package dev.tributary.server;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// Runs every kernel until its time is steady, since Vector API code is slow until it is compiled.
final class Warmup {
  private static final int[] RANKS = {4, 8, 16, 64};

  private static final int[] LENGTHS = {1, 24};

  /// Rounds that must be no faster than the fastest so far for the time to count as steady.
  private static final int STEADY = 4;

  private final Engine engine;
  private final LlamaConfig config;

  Warmup(Engine engine, LlamaConfig config) {
    this.engine = engine;
    this.config = config;
  }

  /// Ends when the time is steady, or after `bound`.
  Duration run(Duration bound) {
    long start = System.nanoTime();
    List<List<AdapterUse>> rows = rows();
    long fastest = Long.MAX_VALUE;
    int steady = 0;
    while (steady < STEADY && System.nanoTime() - start < bound.toNanos()) {
      long began = System.nanoTime();
      round(rows);
      long took = System.nanoTime() - began;
      steady = took < 0.95 * fastest ? 0 : steady + 1;
      fastest = Math.min(fastest, took);
    }
    rows.stream()
        .flatMap(List::stream)
        .map(AdapterUse::weights)
        .distinct()
        .forEach(LoraWeights::release);
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /// Prompts of several lengths, under each kind of adapter, by each path, at once.
  private void round(List<List<AdapterUse>> rows) {
    List<CompletableFuture<List<float[]>>> probes = new ArrayList<>();
    for (int length : LENGTHS) {
      int[] prompt = new int[Math.min(length, config.context() - 1)];
      for (ComputePath path : ComputePath.values()) {
        rows.forEach(row -> probes.add(engine.probe(prompt, List.of(row), path)));
      }
    }
    probes.forEach(CompletableFuture::join);
  }

  private List<List<AdapterUse>> rows() {
    List<List<AdapterUse>> rows = new ArrayList<>();
    rows.add(List.of());
    List<AdapterUse> several = new ArrayList<>();
    for (int rank : RANKS) {
      AdapterUse use = new AdapterUse(adapter(rank, false), 1);
      rows.add(List.of(use));
      several.add(use);
    }
    rows.add(several);
    rows.add(List.of(new AdapterUse(adapter(RANKS[0], true), 1)));
    return rows;
  }

  /// An adapter of zeros on every linear layer; what it computes costs what any adapter costs.
  private LoraWeights adapter(int rank, boolean dora) {
    Map<LoraWeights.Site, LoraWeights.Pair> pairs = new HashMap<>();
    Map<LoraWeights.Site, float[]> magnitudes = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        LoraWeights.Site site = new LoraWeights.Site(layer, projection);
        Matrix a = Matrix.allocate(DType.BF16, rank, config.inputs(projection));
        Matrix bt = Matrix.allocate(DType.BF16, rank, config.outputs(projection));
        pairs.put(site, new LoraWeights.Pair(a, bt, 1));
        if (dora) {
          magnitudes.put(site, new float[config.outputs(projection)]);
        }
      }
    }
    return new LoraWeights(pairs, magnitudes, Map.of(), null, 0);
  }
}
