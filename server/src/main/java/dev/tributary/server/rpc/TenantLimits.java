package dev.tributary.server.rpc;

import dev.tributary.server.schedule.Request;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What the serving port lets a tenant use; empty is no limit but the server's own.
///
/// @param tokensPerMinute prompt and completion tokens
/// @param queuedRequests waiting, beyond the concurrent ones
/// @param replaysPerHour answers given again
/// @param weight share of the machine under load, relative to other tenants', in [1, 1000]
record TenantLimits(
    OptionalLong requestsPerMinute,
    OptionalLong tokensPerMinute,
    OptionalInt concurrentRequests,
    OptionalInt queuedRequests,
    OptionalLong replaysPerHour,
    int weight) {
  static final TenantLimits NONE =
      new TenantLimits(
          OptionalLong.empty(),
          OptionalLong.empty(),
          OptionalInt.empty(),
          OptionalInt.empty(),
          OptionalLong.empty(),
          Request.DEFAULT_WEIGHT);
}
