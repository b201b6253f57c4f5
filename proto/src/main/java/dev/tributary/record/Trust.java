package dev.tributary.record;

import dev.tributary.tlog.Policy;
import dev.tributary.tlog.VerifierKey;

/// Whom the reader of a receipt believes. It comes from the reader, never from a receipt.
public sealed interface Trust {
  /// What checkpoints are held against.
  Policy policy();

  /// The log has this key, or had it when it was pinned.
  record Pinned(VerifierKey key) implements Trust {
    @Override
    public Policy policy() {
      return Policy.of(key);
    }
  }

  /// The log has one of the policy's keys, and its witnesses saw what it shows.
  record ByPolicy(Policy policy) implements Trust {}
}
