package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.tensor.Matrix;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Proves that an adapter changes what the base answers, and to the better where examples say what
/// that is (serving.md, "Proof of effect").
final class EffectProof {
  /// Longest wait for one answer of the engine, in seconds; a step ends within 30.
  private static final long PATIENCE = 60;

  private final Probe probe;

  /// Logits of the probe prompt without adapters, once they are known.
  private volatile float @Nullable [] base;

  EffectProof(Probe probe) {
    this.probe = probe;
  }

  /// For the reading of one adapter.
  Pace pace() {
    return new Pace(probe::isBusy);
  }

  /// Waits for the probe's answers.
  ///
  /// @param examples what the adapter should make more likely; may be empty
  /// @throws AdapterException if the probe prompt's logits stay the same or are not finite, or the
  ///   examples' mean log-probability does not rise
  void require(LoraWeights weights, List<ProbeExample> examples) {
    if (addsNothing(weights)) {
      throw refused("every low-rank pair is zero");
    }
    List<AdapterUse> use = List.of(new AdapterUse(weights, 1));
    requireMoved(use);
    if (!examples.isEmpty()) {
      double without = mean(examples, List.of());
      double with = mean(examples, use);
      // The negation also catches NaN.
      if (!(with > without)) {
        throw refused(
            "the mean log-probability of %s goes from %.4f to %.4f"
                .formatted(ProbeFile.NAME, without, with));
      }
    }
  }

  /// The base's own logits are asked for once: they are the same bits in every step.
  private void requireMoved(List<AdapterUse> use) {
    float[] without = base;
    if (without == null) {
      List<float[]> both = await(probe.logits(List.of(List.of(), use)));
      base = both.get(0);
      requireMoved(both.get(0), both.get(1));
    } else {
      requireMoved(without, await(probe.logits(List.of(use))).getFirst());
    }
  }

  private static void requireMoved(float[] without, float[] with) {
    boolean moved = false;
    for (int token = 0; token < with.length; token++) {
      if (!Float.isFinite(with[token])) {
        throw refused(
            "the probe prompt's logit of token %d becomes %s".formatted(token, with[token]));
      }
      moved |= with[token] != without[token];
    }
    if (!moved) {
      throw refused("the probe prompt's logits are the same without it");
    }
  }

  /// Mean over the examples. Token counts are the same with and without the adapter, so the mean
  /// over tokens rises exactly when this does.
  private double mean(List<ProbeExample> examples, List<AdapterUse> adapters) {
    List<CompletableFuture<Double>> sums =
        examples.stream().map(example -> probe.logProb(example, adapters)).toList();
    return sums.stream().mapToDouble(EffectProof::await).sum() / examples.size();
  }

  /// Plain LoRA as it is before training: A is random, B is zero.
  private static boolean addsNothing(LoraWeights weights) {
    return weights.magnitudes().isEmpty()
        && weights.norms().isEmpty()
        && weights.head() == null
        && weights.pairs().values().stream().allMatch(EffectProof::isZero);
  }

  private static boolean isZero(Pair pair) {
    return isZero(pair.a()) || isZero(pair.bt());
  }

  private static boolean isZero(Matrix matrix) {
    for (int row = 0; row < matrix.rows(); row++) {
      for (int col = 0; col < matrix.cols(); col++) {
        if (matrix.get(row, col) != 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static <T> T await(CompletableFuture<T> answer) {
    try {
      return answer.orTimeout(PATIENCE, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw new IllegalStateException("the probe prompt could not be run", e);
    }
  }

  private static AdapterException refused(String reason) {
    return new AdapterException(new AdapterRefusal.NoEffect(reason));
  }
}
