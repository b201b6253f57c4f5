package dev.tributary.server.adapter;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/// The right of one answer to use a version's weights, until it is closed.
///
/// The weights stay in memory until then, whatever the cache evicts. Closing a second time does
/// nothing.
public final class Lease implements AutoCloseable {
  private final AdapterVersion version;
  private final ResidentAdapter adapter;
  private final Tier tier;
  private final Duration loadTime;
  private final AtomicBoolean open = new AtomicBoolean(true);

  /// @param adapter on which this lease is counted already
  Lease(AdapterVersion version, ResidentAdapter adapter, Tier tier, Duration loadTime) {
    this.version = version;
    this.adapter = adapter;
    this.tier = tier;
    this.loadTime = loadTime;
  }

  public AdapterVersion version() {
    return version;
  }

  ResidentAdapter resident() {
    return adapter;
  }

  public LoraWeights weights() {
    return adapter.weights();
  }

  /// The weights as a request applies them.
  ///
  /// @param scale finite, at most [AdapterUse#MAX_SCALE] either way
  public AdapterUse use(float scale) {
    return new AdapterUse(adapter.weights(), scale, version.digest());
  }

  /// Where the weights were when the lease was asked for.
  public Tier tier() {
    return tier;
  }

  /// How long the lease waited for the weights; zero if they were in memory.
  public Duration loadTime() {
    return loadTime;
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      adapter.returned();
    }
  }
}
