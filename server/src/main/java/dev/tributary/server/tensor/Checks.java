package dev.tributary.server.tensor;

import java.util.Arrays;

/// Shape and type checks of [Ops], shared by its implementations: native code and raw memory come
/// after them.
final class Checks {
  private Checks() {}

  static void embed(int[] tokens, Linear table, Matrix x) {
    require(x.type() == DType.F32, "x is not float32");
    require(x.rows() == tokens.length, "rows, tokens", x.rows(), tokens.length);
    require(x.cols() == table.inputs(), "columns, table", x.cols(), table.inputs());
    for (int token : tokens) {
      require(token >= 0 && token < table.outputs(), "token, table", token, table.outputs());
    }
  }

  static void norm(Matrix x, int from, int to, float[] weight, Matrix y) {
    require(x.type() == DType.F32, "x is not float32");
    sameShape(x, y);
    require(weight.length == x.cols(), "weight length, columns", weight.length, x.cols());
    require(from >= 0 && from <= to && to <= x.rows(), "rows from, to, of", from, to, x.rows());
  }

  static void linear(Matrix x, Linear weights, Matrix y, int column) {
    require(x.type() == DType.F32 && y.type() == DType.F32, "x and y are not float32");
    require(x.rows() == y.rows(), "rows of x, of y", x.rows(), y.rows());
    require(x.cols() == weights.inputs(), "columns of x, inputs", x.cols(), weights.inputs());
    require(
        column >= 0 && column + weights.outputs() <= y.cols(),
        "outputs, column, columns of y",
        weights.outputs(),
        column,
        y.cols());
  }

  static void rowProduct(Matrix x, int from, int to, Matrix y, int column) {
    require(x.type() == DType.F32 && y.type() == DType.F32, "x and y are not float32");
    require(x.rows() == y.rows(), "rows of x, of y", x.rows(), y.rows());
    require(from >= 0 && from <= to, "outputs from, to", from, to);
    require(
        column >= 0 && column + to - from <= y.cols(),
        "outputs, column, columns of y",
        to - from,
        column,
        y.cols());
  }

  static void lora(Matrix x, Matrix y, LoraSegment segment) {
    require(x.type() == DType.F32 && y.type() == DType.F32, "x and y are not float32");
    require(
        x.rows() == y.rows() && segment.to() <= x.rows(),
        "rows of x, of y, to",
        x.rows(),
        y.rows(),
        segment.to());
    for (LoraSegment.Term term : segment.terms()) {
      require(term.a().cols() == x.cols(), "inputs of A, columns of x", term.a().cols(), x.cols());
      require(
          term.column() >= 0 && term.column() + term.bt().cols() <= y.cols(),
          "outputs of B, column, columns of y",
          term.bt().cols(),
          term.column(),
          y.cols());
    }
    float[] scale = segment.outputScale();
    require(scale == null || scale.length == y.cols(), "output scale does not fit");
  }

  static void bias(Matrix y, float[] bias) {
    require(y.type() == DType.F32, "y is not float32");
    require(bias.length == y.cols(), "bias length, columns", bias.length, y.cols());
  }

  static void attention(Matrix qkv, Rows rows, KvCache cache, int layer) {
    require(qkv.type() == DType.F32, "qkv is not float32");
    require(qkv.rows() == rows.count(), "rows, positions", qkv.rows(), rows.count());
    require(
        qkv.cols() == cache.shape().width(),
        "columns of qkv, heads",
        qkv.cols(),
        cache.shape().width());
    require(layer >= 0 && layer < cache.layers(), "layer, layers", layer, cache.layers());
    int[] checked = null;
    for (int[] pages : rows.pages()) {
      if (pages != checked) {
        for (int page : pages) {
          require(page >= 0 && page < cache.pages(), "page, pages", page, cache.pages());
        }
        checked = pages;
      }
    }
  }

  static void swiglu(Matrix gateUp, Matrix y) {
    require(gateUp.type() == DType.F32 && y.type() == DType.F32, "not float32");
    require(gateUp.rows() == y.rows() && gateUp.cols() == 2 * y.cols(), "shapes differ");
  }

  static void sameShape(Matrix x, Matrix y) {
    require(
        x.rows() == y.rows() && x.cols() == y.cols(),
        "shapes differ",
        x.rows(),
        x.cols(),
        y.rows(),
        y.cols());
  }

  private static void require(boolean holds, String what, long... values) {
    if (!holds) {
      throw new IllegalArgumentException(what + " " + Arrays.toString(values));
    }
  }
}
