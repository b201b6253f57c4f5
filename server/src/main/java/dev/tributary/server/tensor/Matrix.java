package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;

/// A dense row-major `[rows, cols]` array over [Bytes].
public record Matrix(Bytes data, DType type, int rows, int cols) {
  public Matrix {
    if (rows < 0 || cols < 1) {
      throw new IllegalArgumentException("shape [" + rows + ", " + cols + "]");
    }
    if (data.size() < (long) rows * cols * type.bytes()) {
      throw new IllegalArgumentException(
          "shape [" + rows + ", " + cols + "] of " + type + " over " + data.size() + " bytes");
    }
  }

  /// Zeros.
  public static Matrix allocate(DType type, int rows, int cols) {
    return new Matrix(Bytes.allocate((long) rows * cols * type.bytes()), type, rows, cols);
  }

  /// A matrix that holds `values`, row-major, rounded to `type`.
  public static Matrix of(DType type, int rows, int cols, float... values) {
    if (values.length != rows * cols) {
      throw new IllegalArgumentException(values.length + " values for " + rows + " x " + cols);
    }
    Matrix matrix = allocate(type, rows, cols);
    for (int i = 0; i < values.length; i++) {
      matrix.set(i / cols, i % cols, values[i]);
    }
    return matrix;
  }

  /// The first `count` rows, sharing memory.
  public Matrix firstRows(int count) {
    return rowRange(0, count);
  }

  /// Rows `[from, to)`, sharing memory.
  public Matrix rowRange(int from, int to) {
    if (from < 0 || to < from || to > rows) {
      throw new IllegalArgumentException("rows [" + from + ", " + to + ") of " + rows);
    }
    long width = (long) cols * type.bytes();
    return new Matrix(data.slice(from * width, (to - from) * width), type, to - from, cols);
  }

  /// Copies row `from` of `source`, of the same type and width, into row `to`.
  public void copyRow(Matrix source, int from, int to) {
    if (source.type != type || source.cols != cols) {
      throw new IllegalArgumentException("rows of different kinds");
    }
    long width = (long) cols * type.bytes();
    data.copyFrom(source.data, source.offset(from, 0), offset(to, 0), width);
  }

  /// Row `row` as float32, into `target[0..cols)`.
  public void row(int row, float[] target) {
    ElementKernels.widen(this, row, target);
  }

  /// Writes `values[0..cols)` to row `row` of a float32 matrix.
  void setRow(int row, float[] values) {
    MemorySegment.copy(values, 0, data.segment(), Bytes.FLOAT, offset(row, 0), cols);
  }

  public float get(int row, int col) {
    return switch (type) {
      case F32 -> data.getFloat(offset(row, col));
      case BF16 -> data.getBf16(offset(row, col));
    };
  }

  public void set(int row, int col, float value) {
    switch (type) {
      case F32 -> data.putFloat(offset(row, col), value);
      case BF16 -> data.putBf16(offset(row, col), value);
    }
  }

  /// Byte offset of `[row, col]`.
  long offset(int row, int col) {
    return ((long) row * cols + col) * type.bytes();
  }
}
