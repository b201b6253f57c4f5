package dev.tributary.server.rpc;

import io.grpc.Context;

/// Says in whose name a call runs. Without configured tenants that is `public` for everybody.
final class Tenant {
  /// The tenant whose adapters all can name.
  static final String PUBLIC = "public";

  private static final Context.Key<String> KEY = Context.keyWithDefault("tenant", PUBLIC);

  private Tenant() {}

  /// The tenant of the call that the current thread works for.
  static String current() {
    return KEY.get();
  }

  /// The context of a call of this tenant.
  static Context in(Context context, String tenant) {
    return context.withValue(KEY, tenant);
  }
}
