package dev.tributary.server.state;

/// What a key allows, as the contract's Role.
public enum Role {
  /// Inference, reading adapters, one's own receipts.
  USER,
  /// USER, and changing the tenant's adapters, contributions and training runs.
  OWNER,
  /// Statements of the contributor that the key names.
  CONTRIBUTOR,
  /// Entries of the ledger, and exact shares.
  AUDITOR,
  /// Everything.
  ADMIN
}
