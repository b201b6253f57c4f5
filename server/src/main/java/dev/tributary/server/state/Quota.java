package dev.tributary.server.state;

import org.jspecify.annotations.Nullable;

/// What a tenant may use, as the contract's Quota. Null: no limit but the server's.
///
/// @param tokensPerMinute prompt and completion tokens
/// @param queuedRequests waiting, beyond the concurrent ones
/// @param adapterBytes on disk, all versions together
/// @param weight share of the machine under load, in [1, 1,000]
/// @param residentBytes of the weights of the tenant's adapters in memory
public record Quota(
    @Nullable Long requestsPerMinute,
    @Nullable Long tokensPerMinute,
    @Nullable Integer concurrentRequests,
    @Nullable Integer queuedRequests,
    @Nullable Integer adapters,
    @Nullable Long adapterBytes,
    @Nullable Long replaysPerHour,
    @Nullable Integer weight,
    @Nullable Long residentBytes) {
  public static final Quota NONE = new Quota(null, null, null, null, null, null, null, null, null);

  public Quota {
    atLeast("requests_per_minute", requestsPerMinute);
    atLeast("tokens_per_minute", tokensPerMinute);
    atLeast("concurrent_requests", concurrentRequests);
    atLeast("queued_requests", queuedRequests);
    atLeast("adapters", adapters);
    atLeast("adapter_bytes", adapterBytes);
    atLeast("replays_per_hour", replaysPerHour);
    atLeast("resident_bytes", residentBytes);
    if (weight != null) {
      Checks.range("weight", weight, 1, 1_000);
    }
  }

  private static void atLeast(String what, @Nullable Number value) {
    if (value != null) {
      Checks.range(what, value.longValue(), 0, Long.MAX_VALUE);
    }
  }
}
