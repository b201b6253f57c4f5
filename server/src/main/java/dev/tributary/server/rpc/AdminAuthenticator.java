package dev.tributary.server.rpc;

import dev.tributary.server.state.Role;
import java.util.Optional;

/// Knows the one who has the admin key of the server's own folder, and whoever else has a key.
record AdminAuthenticator(AdminKey key, Authenticator keys) implements Authenticator {
  /// As whom the admin key acts, in the audit log too.
  private static final Caller ADMIN = new Caller(Caller.PUBLIC, Role.ADMIN, "admin.key", "");

  @Override
  public Optional<Caller> authenticate(String bearer) {
    // Both, so that the time does not tell which of them it was.
    Optional<Caller> other = keys.authenticate(bearer);
    return key.matches(bearer) ? Optional.of(ADMIN) : other;
  }
}
