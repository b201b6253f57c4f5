package dev.tributary.server.tokenize;

/// A stand-in for a token that must be in a vocabulary and that no text may become.
final class UnspellableName {
  /// No merge makes it, and it is longer than one character, so it can't be found in any text.
  static final String UNKNOWN = "\uDBFF\uDFFE\uDBFF\uDFFD";

  private UnspellableName() {}
}
