package dev.tributary.server.accounts;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/// Hours since 1970, as people read them.
final class Hours {
  private Hours() {}

  /// `2026-11-21T23:00:00Z`.
  static String text(long hour) {
    return Instant.EPOCH.plus(hour, ChronoUnit.HOURS).toString();
  }
}
