package dev.tributary.server.rpc;

import org.jspecify.annotations.Nullable;

/// Where records of answers go and are found.
///
/// @param books null: none are found
record Records(Journal journal, PseudonymKeys keys, @Nullable Books books) {
  /// @param books null: none are kept
  static Records of(@Nullable Books books, Serving serving) {
    return books == null
        ? new Records(Journal.OFF, PseudonymKeys.NONE, null)
        : new Records(
            new LedgerJournal(books.ledger(), serving.metrics(), serving.clock()),
            books::pseudonymKey,
            books);
  }
}
