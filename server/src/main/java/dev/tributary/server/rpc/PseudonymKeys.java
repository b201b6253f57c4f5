package dev.tributary.server.rpc;

import dev.tributary.record.AdapterUse;
import java.util.Optional;

/// Knows the keys that contributors' pseudonyms are made with: the ledger does, or a test.
interface PseudonymKeys {
  /// No version has one.
  PseudonymKeys NONE = (use, generation) -> Optional.empty();

  /// The key of an adapter version; empty if no build of it was recorded before the answer.
  ///
  /// @param generation leaf of the answer
  Optional<byte[]> of(AdapterUse use, long generation);
}
