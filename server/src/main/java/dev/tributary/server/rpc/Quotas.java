package dev.tributary.server.rpc;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongSupplier;

/// Holds tenants to their quotas. Limits are asked for anew with each request, so a change counts
/// from the next one on.
///
/// What is used up for the minute is refused at once, with the time to wait. Requests beyond the
/// concurrent ones wait in the order in which they came, as many as may. Tokens are charged as they
/// are used: a prompt before it runs, an answer when it has ended; since nobody knows its length
/// before, it may overdraw, and then the tenant waits until that is made up for.
///
/// Thread safe. Keeps a few counters for each tenant that ever asked.
final class Quotas {
  private final Function<String, TenantLimits> limits;
  private final LongSupplier clock;
  private final Map<String, TenantUse> tenants = new ConcurrentHashMap<>();

  /// @param limits of a tenant, by its name
  /// @param clock nanoseconds, as [System#nanoTime]
  Quotas(Function<String, TenantLimits> limits, LongSupplier clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /// Counts a request that needs no place, or throws RESOURCE_EXHAUSTED.
  void count(String tenant) {
    use(tenant).count();
  }

  /// Counts an answer that is given again, or throws RESOURCE_EXHAUSTED.
  void countReplay(String tenant) {
    use(tenant).countReplay();
  }

  /// Counts a request and gives it a place, at once or when one is free; or throws
  /// RESOURCE_EXHAUSTED. Cancelling the future gives the place up. What it completes with is to be
  /// closed.
  CompletableFuture<TenantUse.Place> enter(String tenant) {
    return use(tenant).enter();
  }

  /// A tenant's limits have changed: those who wait may have a place now.
  void changed(String tenant) {
    TenantUse known = tenants.get(tenant);
    if (known != null) {
      known.letIn();
    }
  }

  /// Requests that wait for a place among their tenants' own.
  int waiting() {
    return tenants.values().stream().mapToInt(TenantUse::waiting).sum();
  }

  private TenantUse use(String tenant) {
    return tenants.computeIfAbsent(
        tenant, name -> new TenantUse(name, () -> limits.apply(name), clock));
  }
}
