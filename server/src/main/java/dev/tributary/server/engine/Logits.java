package dev.tributary.server.engine;

import dev.tributary.server.tensor.Matrix;

/// Rows of a step's logits that belong to one sequence, read one at a time.
///
/// @param matrix float32 `[rows of the step, vocabulary]`
/// @param first the sequence's first row
/// @param scratch `[vocabulary]`, overwritten by [#row]
record Logits(Matrix matrix, int first, float[] scratch) {
  /// The `index`th row, valid until the next is read.
  float[] row(int index) {
    long bytes = (long) matrix.cols() * Float.BYTES;
    matrix.data().slice((first + index) * bytes, bytes).asByteBuffer().asFloatBuffer().get(scratch);
    return scratch;
  }
}
