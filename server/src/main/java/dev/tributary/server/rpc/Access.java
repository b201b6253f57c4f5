package dev.tributary.server.rpc;

import dev.tributary.server.schedule.Request;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.State;
import dev.tributary.server.state.TenantRecord;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Who may use the serving port, and how much of it.
///
/// While there is neither a key nor a tenant but `public`, nor an identity provider, a server that
/// only its own machine can reach answers anybody, as `public`. The first key or tenant ends that
/// for good: were it to come back with the last key's end, revoking a key would open the door.
public final class Access {
  private final State state;
  private final Authenticator authenticator;
  private final Quotas quotas;
  private volatile boolean open;

  /// @param local whether only this machine can reach the serving port
  /// @param oidc an identity provider whose tokens are taken too; null: keys only
  /// @param clock nanoseconds, as [System#nanoTime]
  public Access(
      State state,
      boolean local,
      @Nullable OidcSettings oidc,
      LongSupplier clock,
      InstantSource time) {
    this.state = state;
    Authenticator keys = new KeyAuthenticator(state.keys(), time);
    authenticator =
        oidc == null
            ? keys
            : new JwtAuthenticator(
                oidc, tenant -> state.tenants().get(tenant).isPresent(), time, keys);
    quotas = new Quotas(this::limits, clock);
    open = local && oidc == null;
  }

  /// Whether calls without a key are answered now.
  public boolean isOpen() {
    // Looked up by keyless calls alone, and not any more once it is closed.
    if (open && isConfigured()) {
      open = false;
    }
    return open;
  }

  private boolean isConfigured() {
    return !state.keys().list(null, "", 1).isEmpty() || state.tenants().list("", 2).size() > 1;
  }

  State state() {
    return state;
  }

  /// The role of a key, or of a token; empty if it is not valid. May ask the identity provider.
  public Optional<Role> role(String key) {
    return authenticator.authenticate(key).map(Caller::role);
  }

  Authenticator authenticator() {
    return authenticator;
  }

  Quotas quotas() {
    return quotas;
  }

  private TenantLimits limits(String tenant) {
    return state
        .tenants()
        .get(tenant)
        .map(TenantRecord::quota)
        .map(Access::limits)
        .orElse(TenantLimits.NONE);
  }

  private static TenantLimits limits(Quota quota) {
    return new TenantLimits(
        optional(quota.requestsPerMinute()),
        optional(quota.tokensPerMinute()),
        optional(quota.concurrentRequests()),
        optional(quota.queuedRequests()),
        optional(quota.replaysPerHour()),
        quota.weight() == null ? Request.DEFAULT_WEIGHT : quota.weight());
  }

  private static OptionalLong optional(@Nullable Long value) {
    return value == null ? OptionalLong.empty() : OptionalLong.of(value);
  }

  private static OptionalInt optional(@Nullable Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }
}
