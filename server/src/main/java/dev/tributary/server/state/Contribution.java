package dev.tributary.server.state;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A contribution that was registered. What it says is in the ledger.
///
/// @param id `sha256:<hex>`, the hash of its leaf
/// @param leaf index in the ledger
/// @param withdrawn when; to the millisecond; null: it may be trained on
/// @param withdrawalLeaf index of the leaf that says so; null until it is known
public record Contribution(
    String id, long leaf, @Nullable Instant withdrawn, @Nullable Long withdrawalLeaf) {
  public Contribution {
    Checks.digest(id);
    Checks.range("leaf", leaf, 0, Long.MAX_VALUE);
  }

  /// As it is registered.
  public Contribution(String id, long leaf) {
    this(id, leaf, null, null);
  }
}
