package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.Matrix;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/// Logits that depend on every part of an adapter, as a model's would: `B A` applied to ones.
final class FakeProbe implements Probe {
  final AtomicInteger calls = new AtomicInteger();

  /// Answers wait for it.
  volatile CompletableFuture<?> gate = CompletableFuture.completedFuture(null);

  /// Answers as the base does, whatever the adapters.
  volatile boolean deaf;

  /// Whether answers are under way.
  volatile boolean busy;

  @Override
  public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
    calls.incrementAndGet();
    return gate.thenApply(open -> uses.stream().map(this::answer).toList());
  }

  /// As likely as the last logit is high.
  @Override
  public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
    return gate.thenApply(open -> (double) answer(adapters)[1] - example.answer().length());
  }

  @Override
  public boolean isBusy() {
    return busy;
  }

  private float[] answer(List<AdapterUse> uses) {
    double sum = 1;
    for (AdapterUse use : deaf ? List.<AdapterUse>of() : uses) {
      LoraWeights weights = use.weights();
      for (LoraWeights.Pair pair : weights.pairs().values()) {
        for (int k = 0; k < pair.a().rows(); k++) {
          sum += pair.scaling() * sum(pair.a(), k) * sum(pair.bt(), k);
        }
      }
      sum += weights.norms().size() + (weights.head() == null ? 0 : 1);
    }
    return new float[] {0, (float) sum};
  }

  private static double sum(Matrix matrix, int row) {
    double sum = 0;
    for (int col = 0; col < matrix.cols(); col++) {
      sum += matrix.get(row, col);
    }
    return sum;
  }
}
