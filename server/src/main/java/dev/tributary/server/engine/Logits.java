package dev.tributary.server.engine;

import dev.tributary.server.tensor.Matrix;

/// Rows of a step's logits that belong to one sequence.
///
/// @param matrix float32 `[rows of the step, vocabulary]`, valid until the next step
/// @param first the sequence's first row
record Logits(Matrix matrix, int first) {
  /// The `index`th row, `[1, vocabulary]`, where it lies.
  Matrix row(int index) {
    return matrix.rowRange(first + index, first + index + 1);
  }
}
