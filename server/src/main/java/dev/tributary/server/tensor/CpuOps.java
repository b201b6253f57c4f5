package dev.tributary.server.tensor;

import dev.tributary.identity.ComputePath;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// [Ops] on the CPU: Vector API kernels, and libtorch's bfloat16 products for the wide path and for
/// layers that are not quantised, all on one [Team].
///
/// Work is dealt to workers by columns, rows or heads, never by splitting a sum, so the number of
/// workers does not change a result.
final class CpuOps implements Ops {
  /// Elements that the calling thread sees to while the others are still being told.
  private static final int ALONE = 4096;

  /// Columns that a share of a product is a multiple of: one cache line of float32.
  private static final int COLUMN_UNIT = 16;

  private final Libtorch libtorch;
  private final Team team;
  private final Scratch[] scratches;
  private final WidePath wide;

  /// What workers leave for each other between the passes of an operation.
  private final Scratch shared = new Scratch();

  private float[][] wideRows = new float[0][];
  private final NarrowInput input = new NarrowInput();
  private @Nullable CpuBackward backward;

  CpuOps(Libtorch libtorch, int threads, boolean residentBf16) {
    this.libtorch = libtorch;
    team = new Team(threads, libtorch::claimThread);
    scratches = new Scratch[threads];
    for (int i = 0; i < threads; i++) {
      scratches[i] = new Scratch();
    }
    wide = new WidePath(libtorch, team, scratches, residentBf16);
  }

  @Override
  public void claimThread() {
    libtorch.claimThread();
  }

  @Override
  public int workers() {
    return team.size();
  }

  @Override
  public void forEach(int items, ItemWork work) {
    team.forEach(items, work);
  }

  @Override
  public Optional<BackwardOps> backward() {
    CpuBackward known = backward;
    if (known == null) {
      known = new CpuBackward(libtorch, team, scratches, wide.takesBackward());
      backward = known;
    }
    return Optional.of(known);
  }

  @Override
  public String numerics() {
    return "cpu libtorch=" + libtorch.build() + " lanes=" + Lanes.LENGTH + " wide=" + wide.name();
  }

  @Override
  public Linear pack(LinearWeights weights, boolean outliers) {
    return switch (weights) {
      case LinearWeights.Int4 int4 -> wide.add(PackedLinear.of(int4, outliers));
      case LinearWeights.Int8 int8 -> wide.add(PackedLinear.of(int8, outliers));
      case LinearWeights.Bf16 bf16 -> new DenseLinear(bf16);
    };
  }

  @Override
  public void embed(int[] tokens, Linear table, Matrix x) {
    Checks.embed(tokens, table, x);
    team.forEach(
        tokens.length,
        (worker, i) -> {
          float[] row = scratches[worker].floats(x.cols());
          table.row(tokens[i], row);
          MemorySegment.copy(row, 0, x.data().segment(), Bytes.FLOAT, x.offset(i, 0), x.cols());
        });
  }

  @Override
  public void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y) {
    Checks.norm(x, from, to, weight, y);
    team.forEach(
        to - from, (worker, i) -> ElementKernels.rmsNorm(x, from + i, 0, weight, epsilon, y));
  }

  @Override
  public void ready() {
    wide.measure(this);
  }

  @Override
  public int wideFrom() {
    return wide.from();
  }

  @Override
  public void linear(Matrix x, Linear weights, Matrix y, int column, ComputePath path) {
    Checks.linear(x, weights, y, column);
    switch (weights) {
      case PackedLinear packed when path == ComputePath.WIDE && wide.takes() ->
          wide.multiply(x, packed, y, column);
      case PackedLinear packed -> narrow(x, packed, y, column);
      case DenseLinear(LinearWeights.Bf16 bf16) -> gemm(x, bf16, y, column);
      default -> throw new IllegalArgumentException("weights of another device: " + weights);
    }
  }

  @Override
  public void logits(Matrix x, Linear head, Matrix y, ComputePath path) {
    Checks.linear(x, head, y, 0);
    switch (head) {
      case PackedLinear packed when path == ComputePath.WIDE && wide.takes() ->
          wide.multiply(x, packed, y, 0);
      case PackedLinear packed -> narrow(x, packed, y, 0);
      case DenseLinear(LinearWeights.Bf16 weights) -> product(x, weights, y);
      default -> throw new IllegalArgumentException("weights of another device: " + head);
    }
  }

  void narrow(Matrix x, PackedLinear weights, Matrix y, int column) {
    input.take(x, team, scratches);
    NarrowKernel kernel = new NarrowKernel(weights, input, y, column);
    team.forEach(kernel.units(), (worker, unit) -> kernel.run(unit, scratches[worker]));
  }

  /// In bfloat16 by libtorch: layers that a mixed file keeps wider than four bits.
  private void gemm(Matrix x, LinearWeights.Bf16 weights, Matrix y, int column) {
    Matrix narrow = Matrix.allocate(DType.BF16, x.rows(), x.cols());
    Matrix result = Matrix.allocate(DType.BF16, x.rows(), weights.outputs());
    team.forEach(x.rows(), (worker, i) -> ElementKernels.narrow(x, i, narrow));
    int[] borders = borders(weights.outputs());
    team.forEach(
        team.size(),
        (worker, share) -> {
          int from = borders[share];
          int width = borders[share + 1] - from;
          if (width > 0) {
            long w =
                libtorch.transposed(
                    weights.values(), 2L * from * weights.inputs(), width, weights.inputs());
            long in = libtorch.tensor(narrow, 0, x.cols());
            long out = libtorch.tensor(result, from, width);
            libtorch.matmul(out, in, w);
            libtorch.delete(out);
            libtorch.delete(in);
            libtorch.delete(w);
          }
        });
    team.forEach(
        x.rows(),
        (worker, i) -> {
          float[] row = scratches[worker].floats(result.cols());
          ElementKernels.widen(result, i, row);
          MemorySegment.copy(
              row, 0, y.data().segment(), Bytes.FLOAT, y.offset(i, column), result.cols());
        });
  }

  private int[] borders(int outputs) {
    int[] borders = new int[team.size() + 1];
    for (int i = 1; i <= team.size(); i++) {
      borders[i] = (int) ((long) outputs * i / team.size());
    }
    return borders;
  }

  private void product(Matrix x, LinearWeights.Bf16 weights, Matrix y) {
    float[][] rows = widen(x);
    forColumns(
        weights.outputs(),
        (worker, from, to) ->
            ProductKernel.run(
                weights,
                rows,
                x.rows(),
                from,
                to,
                (i, n, value) -> y.data().putFloat(y.offset(i, n), value),
                scratches[worker]));
  }

  /// Rows of `x` as float32 arrays, valid until the next call.
  private float[][] widen(Matrix x) {
    if (wideRows.length < x.rows() || wideRows[0].length < x.cols()) {
      int width = wideRows.length == 0 ? x.cols() : Math.max(x.cols(), wideRows[0].length);
      wideRows = new float[Math.max(x.rows(), wideRows.length)][width];
    }
    float[][] wide = wideRows;
    team.forEach(x.rows(), (worker, i) -> ElementKernels.widen(x, i, wide[i]));
    return wide;
  }

  @Override
  public void lora(Matrix x, Matrix y, List<LoraSegment> segments) {
    if (segments.isEmpty()) {
      return;
    }
    segments.forEach(segment -> Checks.lora(x, y, segment));
    LoraKernel kernel = new LoraKernel(x, y, segments, shared);
    int tiles = kernel.tiles();
    if (tiles >= 2 * team.size() || team.size() == 1 || kernel.small()) {
      team.forEach(tiles, (worker, tile) -> kernel.run(tile, scratches[worker]));
      return;
    }
    int parts = team.size();
    team.forEach(
        tiles * parts,
        (worker, item) -> kernel.down(item / parts, item % parts, parts, scratches[worker]));
    team.forEach(
        tiles * parts,
        (worker, item) -> kernel.up(item / parts, item % parts, parts, scratches[worker]));
  }

  @Override
  public void addBias(Matrix y, float[] bias) {
    Checks.bias(y, bias);
    forRows(y.rows(), y.cols(), row -> ElementKernels.addBias(y, bias, row));
  }

  @Override
  public void rotateAndStore(
      Matrix qkv,
      Rows rows,
      Rotary rotary,
      @Nullable HeadNorms headNorms,
      KvCache cache,
      int layer) {
    Checks.attention(qkv, rows, cache, layer);
    RotaryKernel kernel = new RotaryKernel(qkv, rows, cache, layer);
    float[][] tables = new float[rows.count()][];
    for (int i = 0; i < tables.length; i++) {
      tables[i] = rotary.at(rows.positions()[i]);
    }
    team.forEach(rows.count(), (worker, i) -> kernel.run(i, tables[i], headNorms));
  }

  @Override
  public void attend(Matrix qkv, Rows rows, KvCache cache, int layer, Matrix y) {
    Checks.attention(qkv, rows, cache, layer);
    AttentionKernel kernel = new AttentionKernel(qkv, rows, cache, layer);
    int items = kernel.items();
    int blocks = kernel.blocks();
    if (blocks == 1 || items >= 4 * team.size() || team.size() == 1) {
      team.forEach(items, (worker, item) -> kernel.attend(item, y, scratches[worker]));
      return;
    }
    float[] states = shared.floats(kernel.states());
    team.forEach(
        items * blocks,
        (worker, i) -> kernel.block(i / blocks, i % blocks, states, scratches[worker]));
    team.forEach(items, (worker, item) -> kernel.merge(item, states, y));
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix y) {
    Checks.swiglu(gateUp, y);
    forRows(y.rows(), y.cols(), row -> ElementKernels.swiglu(gateUp, y, row));
  }

  @Override
  public void add(Matrix x, Matrix delta) {
    Checks.sameShape(x, delta);
    forRows(x.rows(), x.cols(), row -> ElementKernels.add(x, delta, row));
  }

  /// Element-wise work on each row; by the caller alone where dealing it would take longer.
  private void forRows(int rows, int columns, IntConsumer work) {
    if ((long) rows * columns > ALONE) {
      team.forEach(rows, (worker, row) -> work.accept(row));
      return;
    }
    for (int row = 0; row < rows; row++) {
      work.accept(row);
    }
  }

  /// A worker's share of columns.
  private interface ColumnWork {
    void run(int worker, int from, int to);
  }

  private void forColumns(int columns, ColumnWork work) {
    int shares = Math.min(4 * team.size(), Math.ceilDiv(columns, COLUMN_UNIT));
    int units = Math.ceilDiv(columns, COLUMN_UNIT);
    team.forEach(
        shares,
        (worker, share) -> {
          int from = (int) ((long) units * share / shares) * COLUMN_UNIT;
          int to = (int) ((long) units * (share + 1) / shares) * COLUMN_UNIT;
          work.run(worker, from, Math.min(to, columns));
        });
  }

  @Override
  public void close() {
    team.close();
  }
}
