package dev.tributary.server.rpc;

import org.jspecify.annotations.Nullable;

/// Where records of answers go and are found.
///
/// @param books null: none are found
record Records(Journal journal, @Nullable Books books) {
  /// @param books null: none are kept
  static Records of(@Nullable Books books, Serving serving) {
    return new Records(
        books == null
            ? Journal.OFF
            : new LedgerJournal(books.ledger(), serving.metrics(), serving.clock()),
        books);
  }
}
