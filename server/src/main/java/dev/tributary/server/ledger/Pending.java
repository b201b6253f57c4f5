package dev.tributary.server.ledger;

import dev.tributary.tlog.SigningKey;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Leaves that wait for the writer.
///
/// @param leaves get indices that follow each other
/// @param side of the last one
/// @param nextKey to rotate to: the leaf depends on its index and is the writer's to make
/// @param written the last one's index
record Pending(
    List<byte[]> leaves,
    byte @Nullable [] side,
    @Nullable SigningKey nextKey,
    CompletableFuture<Long> written) {
  int count() {
    return nextKey == null ? leaves.size() : 1;
  }

  /// Of leaves and side data.
  int bytes() {
    int bytes = side == null ? 0 : side.length;
    for (byte[] leaf : leaves) {
      bytes += Frame.bytes(leaf);
    }
    return bytes;
  }
}
