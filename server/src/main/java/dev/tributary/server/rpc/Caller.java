package dev.tributary.server.rpc;

import dev.tributary.server.state.Role;
import io.grpc.Context;

/// In whose name a call runs, and what it may do.
///
/// @param keyId of the key, or `oidc:` and the token's subject; empty where there was none. Not
///   secret
/// @param contributor whose statements a CONTRIBUTOR may read; empty for other roles
public record Caller(String tenant, Role role, String keyId, String contributor) {
  /// The tenant whose adapters all can name.
  static final String PUBLIC = "public";

  /// Anybody on this machine, while no tenant was given a key.
  static final Caller ANYBODY = new Caller(PUBLIC, Role.OWNER, "", "");

  private static final Context.Key<Caller> KEY = Context.key("caller");

  /// Who makes the call that the current thread works for.
  ///
  /// @throws IllegalStateException outside of a call
  static Caller current() {
    Caller caller = KEY.get();
    if (caller == null) {
      throw new IllegalStateException("no call has brought this thread here");
    }
    return caller;
  }

  /// The context of a call of this caller.
  Context in(Context context) {
    return context.withValue(KEY, this);
  }
}
