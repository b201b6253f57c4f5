package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Runs a fixed prompt through the base, to prove that an adapter changes what it answers.
public interface Probe {
  /// The last token's logits, `[vocabulary]`, under each of `uses`, in order.
  ///
  /// All of them are computed in one step by the same path: then equal inputs give equal bits, and
  /// any difference is the adapter's. Does not wait for a lease.
  CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses);
}
