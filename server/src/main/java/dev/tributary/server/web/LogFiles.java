package dev.tributary.server.web;

import dev.tributary.tlog.Note;

/// What the port shows of the ledger's log: slices of files, under the newest published checkpoint.
/// Thread safe.
public interface LogFiles {
  /// The newest that is published.
  Note checkpoint();

  /// The first `width` hashes of a tile, 32 bytes each. All of them are under the checkpoint.
  ///
  /// @param level that of the tile: its hashes are roots of 256^level leaves
  byte[] tile(int level, long index, int width);

  /// The first `width` entries of a bundle, each after its length in two bytes, big-endian. All of
  /// them are under the checkpoint. At most 16 MiB.
  byte[] bundle(long index, int width);
}
