package dev.tributary.server.tensor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Shape checks of [BackwardOps], shared by its implementations.
final class BackwardChecks {
  private BackwardChecks() {}

  static void linear(Matrix dy, int column, Linear weights, Matrix dx) {
    float32(dy, dx);
    require(dy.rows() == dx.rows(), "rows of dy, of dx", dy.rows(), dx.rows());
    require(dx.cols() == weights.inputs(), "columns of dx, inputs", dx.cols(), weights.inputs());
    require(
        column >= 0 && column + weights.outputs() <= dy.cols(),
        "outputs, column, columns of dy",
        weights.outputs(),
        column,
        dy.cols());
  }

  static void lora(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments) {
    float32(x, dy, dx);
    Checks.sameShape(x, dx);
    int end = 0;
    for (LoraGradient segment : segments) {
      require(segment.from() >= end, "from, end of the segment before", segment.from(), end);
      end = segment.to();
      for (LoraGradient.Term term : segment.terms()) {
        LoraSegment.Term pair = term.pair();
        float32(pair.a(), pair.bt(), term.a(), term.bt());
        Checks.lora(x, dy, new LoraSegment(segment.from(), end, List.of(pair), null));
      }
    }
  }

  static void norm(Matrix x, float[] weight, Matrix dy, Matrix dx) {
    float32(x, dy, dx);
    Checks.norm(x, 0, x.rows(), weight, dy);
    Checks.sameShape(x, dx);
  }

  static void rotate(Matrix dqkv, int[] positions, AttentionShape shape) {
    float32(dqkv);
    require(dqkv.rows() == positions.length, "rows, positions", dqkv.rows(), positions.length);
    require(dqkv.cols() == shape.width(), "columns, heads", dqkv.cols(), shape.width());
  }

  static void attention(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      List<RowRun> runs,
      AttentionShape shape,
      Matrix dqkv) {
    float32(qkv, attended, dAttended, dqkv);
    Checks.sameShape(qkv, dqkv);
    Checks.sameShape(attended, dAttended);
    require(qkv.rows() == attended.rows(), "rows", qkv.rows(), attended.rows());
    require(qkv.cols() == shape.width(), "columns of qkv, heads", qkv.cols(), shape.width());
    require(
        attended.cols() == shape.queryWidth(), "columns, heads", attended.cols(), shape.width());
    Map<Integer, RowRun> whole = new HashMap<>();
    int end = 0;
    for (RowRun run : runs) {
      require(run.from() == end, "from, end of the run before", run.from(), end);
      end = run.from() + run.rows();
      if (run.prefixRows() == 0) {
        whole.put(run.from(), run);
      } else {
        RowRun prefix = whole.get(run.prefix());
        require(
            prefix != null && prefix.rows() == run.prefixRows(),
            "no run is the prefix",
            run.prefix(),
            run.prefixRows());
      }
    }
    require(end == qkv.rows(), "rows of the runs, of qkv", end, qkv.rows());
  }

  static void swiglu(Matrix gateUp, Matrix dy, Matrix dGateUp) {
    float32(dGateUp);
    Checks.swiglu(gateUp, dy);
    Checks.sameShape(gateUp, dGateUp);
  }

  static void crossEntropy(Matrix logits, int[] targets, float[] weights, double[] losses) {
    float32(logits);
    require(
        targets.length == logits.rows()
            && weights.length >= logits.rows()
            && losses.length >= logits.rows(),
        "rows, targets",
        logits.rows(),
        targets.length);
    for (int target : targets) {
      require(target >= 0 && target < logits.cols(), "target, tokens", target, logits.cols());
    }
  }

  static void range(long from, long to, Bytes... regions) {
    require(from >= 0 && from <= to, "floats from, to", from, to);
    for (Bytes region : regions) {
      require(4 * to <= region.size(), "to, bytes", to, region.size());
    }
  }

  private static void float32(Matrix... matrices) {
    for (Matrix matrix : matrices) {
      require(matrix.type() == DType.F32, "not float32");
    }
  }

  private static void require(boolean holds, String what, long... values) {
    if (!holds) {
      throw new IllegalArgumentException(what + " " + Arrays.toString(values));
    }
  }
}
