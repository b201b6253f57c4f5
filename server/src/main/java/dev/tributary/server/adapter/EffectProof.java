package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// Proves that an adapter changes what the base answers (serving.md, "Proof of effect").
final class EffectProof {
  /// Longest wait for the engine, in seconds; a step ends within 30.
  private static final long PATIENCE = 60;

  private final Probe probe;

  EffectProof(Probe probe) {
    this.probe = probe;
  }

  /// Waits for the probe's answer.
  ///
  /// @throws AdapterException if the probe prompt's logits stay the same, or are not finite
  void require(LoraWeights weights) {
    List<float[]> logits;
    try {
      logits =
          probe
              .logits(List.of(List.of(), List.of(new AdapterUse(weights, 1))))
              .orTimeout(PATIENCE, TimeUnit.SECONDS)
              .join();
    } catch (CompletionException e) {
      throw new IllegalStateException("the probe prompt could not be run", e);
    }
    float[] without = logits.get(0);
    float[] with = logits.get(1);
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

  private static AdapterException refused(String reason) {
    return new AdapterException(new AdapterRefusal.NoEffect(reason));
  }
}
