package dev.tributary.server.tensor;

/// [LinearWeights] as one [Ops] packed them; only that [Ops] can multiply by them.
public interface Linear {
  int outputs();

  int inputs();

  /// What it is held as, for the list printed at start: `int4`, `int8` or `bf16`.
  String form();

  /// Bytes resident in memory.
  long bytes();

  /// Dequantises row `output` into `row[0..inputs)`, exactly the values that a product uses.
  void row(int output, float[] row);

  /// Gives memory of a GPU back at once, not when the collector finds it; nothing may use the
  /// weights any more.
  default void close() {}
}
