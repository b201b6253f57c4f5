package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Runs prompts through the base, to prove that an adapter changes what it answers. Called from a
/// loader's thread; must not wait for a lease.
public interface Probe {
  /// The last token's logits of a fixed prompt, `[vocabulary]`, under each of `uses`, in order.
  ///
  /// All of them are computed by the same path: equal inputs must give equal bits, so that any
  /// difference is the adapter's.
  CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses);

  /// The sum of the log-probabilities (natural log) of the tokens of `example`'s answer.
  CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters);

  /// Whether there are answers under way, which loads must not slow down. Called from any thread,
  /// thousands of times a second.
  boolean isBusy();
}
