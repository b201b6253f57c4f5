package dev.tributary.server.ledger;

import java.io.IOException;

/// Where what belongs to a leaf and is not in it is kept: durable before the leaf is. Called by the
/// log's writer thread alone.
interface SideWriter {
  /// For this leaf, which may get lost before it is durable: then another one gets its index, and
  /// may come without side data.
  void write(long index, byte[] bytes) throws IOException;

  /// Returns when all that was written would survive a loss of power.
  void force() throws IOException;
}
