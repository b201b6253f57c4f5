package dev.tributary.server.state;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// What a new key is to be.
///
/// @param contributor set for CONTRIBUTOR, empty for all others; at most 200 characters
/// @param displayName at most 200 characters
/// @param expires null: never
public record KeySpec(
    String tenant, Role role, String contributor, String displayName, @Nullable Instant expires) {
  public KeySpec {
    Checks.text("contributor", contributor, 200);
    Checks.text("display name", displayName, 200);
    if (contributor.isEmpty() == (role == Role.CONTRIBUTOR)) {
      throw new IllegalArgumentException("role " + role + " with contributor " + contributor);
    }
  }
}
