package dev.tributary.record;

import dev.tributary.tlog.Hash;

/// A salted field as a receipt has it: opened, or only its commitment.
public sealed interface Field permits SaltedField, HiddenField {
  String tag();

  Hash commitment();
}
