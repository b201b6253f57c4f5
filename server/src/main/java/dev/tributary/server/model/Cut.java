package dev.tributary.server.model;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;

/// Cuts float32 matrices of so many rows out of a region, one after the other.
final class Cut {
  private final Bytes bytes;
  private final int rows;
  private long at;

  Cut(Bytes bytes, int rows) {
    this.bytes = bytes;
    this.rows = rows;
  }

  Matrix next(int width) {
    long size = (long) Float.BYTES * width * rows;
    Matrix matrix = new Matrix(bytes.slice(at, size), DType.F32, rows, width);
    at += size;
    return matrix;
  }
}
