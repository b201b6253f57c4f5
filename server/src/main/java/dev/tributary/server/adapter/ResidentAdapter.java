package dev.tributary.server.adapter;

import dev.tributary.server.model.LoraWeights;
import java.util.concurrent.atomic.AtomicInteger;

/// A version's weights in memory, and how many leases use them.
final class ResidentAdapter {
  private final LoraWeights weights;
  private final AtomicInteger leases = new AtomicInteger();

  ResidentAdapter(LoraWeights weights) {
    this.weights = weights;
  }

  LoraWeights weights() {
    return weights;
  }

  int leases() {
    return leases.get();
  }

  void leased() {
    leases.incrementAndGet();
  }

  void released() {
    leases.decrementAndGet();
  }
}
