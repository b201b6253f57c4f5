package dev.tributary.server.tensor;

import java.util.List;

/// [BackwardOps] on the team of [CpuOps]: work is dealt by rows, columns or heads, never by
/// splitting a sum.
final class CpuBackward implements BackwardOps {
  /// Floats of a share of an optimiser's sweep.
  private static final int SWEEP = 1 << 14;

  /// Outputs that are dequantised to float32 together where there is no wide path.
  private static final int OUTPUTS = 64;

  /// Rows of a block of that path.
  private static final int ROWS = 16;

  private final Libtorch libtorch;
  private final Team team;
  private final Scratch[] scratches;
  private final boolean wide;
  private final Scratch shared = new Scratch();
  private Bytes rounded = Bytes.allocate(0);

  /// @param wide whether products may take the wide path
  CpuBackward(Libtorch libtorch, Team team, Scratch[] scratches, boolean wide) {
    this.libtorch = libtorch;
    this.team = team;
    this.scratches = scratches;
    this.wide = wide;
  }

  @Override
  public void linear(Matrix dy, int column, Linear weights, Matrix dx, boolean add) {
    BackwardChecks.linear(dy, column, weights, dx);
    if (wide) {
      wide(dy, column, weights, dx, add);
    } else {
      exact(dy, column, weights, dx, add);
    }
  }

  private void wide(Matrix dy, int column, Linear weights, Matrix dx, boolean add) {
    int columns = WideBackward.columns(weights.outputs());
    long size = 2L * dy.rows() * columns;
    if (rounded.size() < size) {
      rounded = Bytes.allocate(size);
    }
    Matrix narrow = new Matrix(rounded, DType.BF16, dy.rows(), columns);
    team.forEach(
        dy.rows(),
        (worker, i) -> WideBackward.narrow(dy, i, column, weights.outputs(), narrow, null));
    WideBackward kernel = new WideBackward(libtorch, weights, narrow, null, dx, add, team.size());
    team.forEach(kernel.units(), (worker, unit) -> kernel.run(unit, scratches[worker]));
  }

  /// In float32: a block of outputs is dequantised, then all rows are multiplied by it.
  private void exact(Matrix dy, int column, Linear weights, Matrix dx, boolean add) {
    int inputs = weights.inputs();
    Matrix block = shared.matrix(OUTPUTS, inputs);
    for (int from = 0; from < weights.outputs(); from += OUTPUTS) {
      int first = from;
      int count = Math.min(OUTPUTS, weights.outputs() - from);
      team.forEach(
          count,
          (worker, i) -> {
            float[] row = scratches[worker].floats(inputs);
            weights.row(first + i, row);
            block.setRow(i, row);
          });
      team.forEach(
          Math.ceilDiv(dy.rows(), ROWS),
          (worker, item) -> {
            int row = item * ROWS;
            FloatProduct.run(
                FloatProduct.Place.of(dy, row, column + first),
                FloatProduct.Place.of(block, 0, 0),
                FloatProduct.Place.of(dx, row, 0),
                Math.min(ROWS, dy.rows() - row),
                inputs,
                count,
                1,
                add || first > 0,
                scratches[worker]);
          });
    }
  }

  @Override
  public void lora(Matrix x, Matrix dy, Matrix dx, List<LoraGradient> segments) {
    BackwardChecks.lora(x, dy, dx, segments);
    LoraBackward kernel = new LoraBackward(x, dy, dx, segments, shared);
    team.forEach(kernel.turns(), (worker, item) -> kernel.turn(item, scratches[worker]));
    team.forEach(kernel.rows(), (worker, item) -> kernel.row(item, scratches[worker]));
    team.forEach(kernel.ends(), (worker, item) -> kernel.end(item, scratches[worker]));
  }

  @Override
  public void rmsNorm(Matrix x, float[] weight, float epsilon, Matrix dy, Matrix dx) {
    BackwardChecks.norm(x, weight, dy, dx);
    team.forEach(x.rows(), (worker, i) -> BackwardKernels.rmsNorm(x, i, weight, epsilon, dy, dx));
  }

  @Override
  public void rotate(Matrix dqkv, int[] positions, AttentionShape shape, Rotary rotary) {
    BackwardChecks.rotate(dqkv, positions, shape);
    float[][] tables = new float[positions.length][];
    for (int i = 0; i < tables.length; i++) {
      tables[i] = opposite(rotary.at(positions[i]));
    }
    team.forEach(
        dqkv.rows(),
        (worker, i) -> {
          for (int head = 0; head < shape.heads() + shape.kvHeads(); head++) {
            RotaryKernel.rotate(
                dqkv.data().segment(), dqkv.offset(i, head * shape.headDim()), tables[i]);
          }
        });
  }

  /// Of the opposite angle: a sine's sign alone, so a product with it has the same bits.
  private static float[] opposite(float[] table) {
    float[] turned = table.clone();
    for (int i = turned.length / 2; i < turned.length; i++) {
      turned[i] = -turned[i];
    }
    return turned;
  }

  @Override
  public void attend(
      Matrix qkv,
      Matrix attended,
      Matrix dAttended,
      List<RowRun> runs,
      AttentionShape shape,
      Matrix dqkv) {
    BackwardChecks.attention(qkv, attended, dAttended, runs, shape, dqkv);
    AttentionBackward kernel =
        new AttentionBackward(qkv, attended, dAttended, runs, shape, dqkv, shared);
    team.forEach(kernel.items(), (worker, item) -> kernel.run(item, scratches[worker]));
    team.forEach(qkv.rows(), (worker, row) -> kernel.merge(row));
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix dy, Matrix dGateUp) {
    BackwardChecks.swiglu(gateUp, dy, dGateUp);
    team.forEach(dy.rows(), (worker, row) -> BackwardKernels.swiglu(gateUp, dy, dGateUp, row));
  }

  @Override
  public void crossEntropy(
      Matrix logits, int[] targets, float[] weights, double[] losses, boolean gradient) {
    BackwardChecks.crossEntropy(logits, targets, weights, losses);
    team.forEach(
        logits.rows(),
        (worker, i) ->
            losses[i] =
                BackwardKernels.crossEntropy(
                    logits.rowRange(i, i + 1), targets[i], weights[i], gradient));
  }

  @Override
  public void adam(
      Bytes values, Bytes gradients, Bytes first, Bytes second, long from, long to, AdamStep step) {
    BackwardChecks.range(from, to, values, gradients, first, second);
    team.forEach(
        Math.toIntExact(Math.ceilDiv(to - from, SWEEP)),
        (worker, i) -> {
          long at = from + (long) i * SWEEP;
          OptimiserKernels.adam(
              values.segment(),
              gradients.segment(),
              first.segment(),
              second.segment(),
              at,
              Math.min(to, at + SWEEP),
              step);
        });
  }

  @Override
  public double sumOfSquares(Bytes values, long from, long to) {
    BackwardChecks.range(from, to, values);
    float[] sums = new float[Math.toIntExact(Math.ceilDiv(to - from, CHUNK))];
    team.forEach(
        sums.length,
        (worker, i) -> {
          long at = from + (long) i * CHUNK;
          sums[i] = OptimiserKernels.sumOfSquares(values.segment(), at, Math.min(to, at + CHUNK));
        });
    double all = 0;
    for (float sum : sums) {
      all += sum;
    }
    return all;
  }
}
