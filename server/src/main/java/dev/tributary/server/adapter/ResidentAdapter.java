package dev.tributary.server.adapter;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.model.LoraWeights;
import java.util.concurrent.CompletableFuture;

/// A version's weights in memory, and what keeps them there: the load, leases, the cache, a pin.
/// They are let go of when the last of these ends, and never come back: a later lease loads them
/// anew.
final class ResidentAdapter {
  private final AdapterVersion version;
  private final LoraWeights weights;
  private final CompletableFuture<Void> gone = new CompletableFuture<>();

  @GuardedBy("this")
  private int leases;

  @GuardedBy("this")
  private boolean loading = true;

  @GuardedBy("this")
  private boolean cached;

  @GuardedBy("this")
  private boolean detached;

  @GuardedBy("this")
  private boolean pinned;

  @GuardedBy("this")
  private boolean freed;

  /// @param weights whose hold passes to this
  ResidentAdapter(AdapterVersion version, LoraWeights weights) {
    this.version = version;
    this.weights = weights;
  }

  AdapterVersion version() {
    return version;
  }

  LoraWeights weights() {
    return weights;
  }

  /// Completes when the weights are let go of.
  CompletableFuture<Void> gone() {
    return gone;
  }

  synchronized int leases() {
    return leases;
  }

  synchronized boolean pinned() {
    return pinned;
  }

  /// Counts a lease. False if the weights are gone.
  synchronized boolean lease() {
    if (freed) {
      return false;
    }
    leases++;
    return true;
  }

  void returned() {
    synchronized (this) {
      leases--;
    }
    letGo();
  }

  /// Ends the load's own hold.
  void loaded() {
    synchronized (this) {
      loading = false;
    }
    letGo();
  }

  /// Counts the cache. False if the weights were taken from the tier: a lease that was had before
  /// must not bring them back.
  synchronized boolean cache() {
    cached = !detached;
    return cached;
  }

  /// The cache has them no more.
  void uncached() {
    synchronized (this) {
      cached = false;
    }
    letGo();
  }

  /// Takes the weights from the tier: leases alone keep them from now on, and a pin until its end.
  void detach() {
    synchronized (this) {
      detached = true;
      cached = false;
    }
    letGo();
  }

  void pinned(boolean now) {
    synchronized (this) {
      pinned = now;
    }
    letGo();
  }

  /// Ends the hold if nothing needs it; what waits for that runs outside the lock.
  private void letGo() {
    synchronized (this) {
      if (leases > 0 || loading || cached || pinned || freed) {
        return;
      }
      freed = true;
      weights.release();
    }
    gone.complete(null);
  }
}
