package dev.tributary.identity;

/// How the products of a token with the base's four-bit weights were computed.
///
/// A row's bits depend on its request and on the path that each of its tokens took, on nothing
/// else; so the path is part of what a replay must follow.
public enum ComputePath {
  /// A kernel that reads the codes, in float32 throughout: exact, and the faster with few rows.
  NARROW,
  /// Weights and inputs rounded to bfloat16 and multiplied as matrices, sums in float32: the faster
  /// with many rows, where the processor has it.
  WIDE
}
