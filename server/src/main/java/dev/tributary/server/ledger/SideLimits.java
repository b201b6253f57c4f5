package dev.tributary.server.ledger;

/// Sizes of the side store's files, which only tests change, in bytes.
///
/// @param segment most in a file of records, unless its only one is longer
/// @param zeros by which such a file is filled ahead
/// @param window most that is read at once, unless a record is longer
record SideLimits(int segment, int zeros, int window) {
  static final SideLimits DEFAULT = new SideLimits(64 << 20, 4 << 20, 1 << 20);

  /// Above what a receipt may have, so that no record that fits a receipt is refused.
  static final int MOST_RECORD = 17 << 20;
}
