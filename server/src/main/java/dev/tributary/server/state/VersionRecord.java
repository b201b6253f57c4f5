package dev.tributary.server.state;

import java.time.Instant;

/// A published version of an adapter.
///
/// @param number from 1
/// @param reason why it is in its state; empty where there is nothing to say
/// @param pinned its weights are kept in the device tier
/// @param created to the millisecond
public record VersionRecord(
    AdapterName adapter,
    int number,
    VersionFacts facts,
    VersionState state,
    String reason,
    boolean pinned,
    Instant created) {
  /// Characters of a reason that are kept.
  static final int MAX_REASON = 1_000;
}
