package dev.tributary.server.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// [Ops] on the CPU: libtorch's int4 matmul and bfloat16 GEMM, Vector API kernels for the rest, all
/// on one [Team].
///
/// Work is dealt to workers by columns, rows or heads, never by splitting a sum, so the number of
/// workers does not change a result.
final class CpuOps implements Ops {
  /// Columns that an element-wise share is a multiple of: one cache line of float32.
  private static final int COLUMN_UNIT = 16;

  private final Libtorch libtorch;
  private final Team team;
  private final Worker[] workers;
  private final Bytes groupSizeValue = Bytes.allocate(8);
  private final long groupSize;
  private float[][] wideRows = new float[0][];
  private Int4Layout layout = Int4Layout.UNKNOWN;

  /// What a worker keeps between tasks.
  private record Worker(Scratch scratch, HandleCache handles, MemorySegment result) {}

  CpuOps(Libtorch libtorch, int threads) {
    this.libtorch = libtorch;
    team = new Team(threads, libtorch::claimThread);
    workers = new Worker[threads];
    for (int i = 0; i < threads; i++) {
      workers[i] =
          new Worker(
              new Scratch(),
              new HandleCache(libtorch),
              Arena.ofAuto().allocate(ValueLayout.JAVA_LONG));
    }
    groupSizeValue.putInt(0, LinearWeights.GROUP);
    groupSize = libtorch.scalar(groupSizeValue);
  }

  @Override
  public void claimThread() {
    libtorch.claimThread();
  }

  @Override
  public String numerics() {
    return "cpu libtorch=" + libtorch.build() + " lanes=" + Lanes.LENGTH + " int4=" + layout;
  }

  @Override
  public Linear pack(LinearWeights weights) {
    return switch (weights) {
      case LinearWeights.Int4 int4 when Int4Linear.fits(int4) -> {
        Int4Linear packed = new Int4Linear(libtorch, int4, team.size());
        layout = packed.layout();
        yield packed;
      }
      case LinearWeights.Int4 int4 -> new DenseLinear(widened(int4));
      case LinearWeights.Int8 int8 -> new DenseLinear(int8);
      case LinearWeights.Bf16 bf16 -> new DenseLinear(bf16);
    };
  }

  private static LinearWeights.Bf16 widened(LinearWeights.Int4 weights) {
    Bytes values = Bytes.allocate(2L * weights.outputs() * weights.inputs());
    float[] row = new float[weights.inputs()];
    for (int n = 0; n < weights.outputs(); n++) {
      weights.row(n, row);
      for (int k = 0; k < row.length; k++) {
        values.putBf16(2L * ((long) n * row.length + k), row[k]);
      }
    }
    return new LinearWeights.Bf16(weights.outputs(), weights.inputs(), values);
  }

  @Override
  public void embed(int[] tokens, Linear table, Matrix x) {
    Checks.embed(tokens, table, x);
    team.forEach(
        tokens.length,
        (worker, i) -> {
          float[] row = workers[worker].scratch.floats(x.cols());
          table.row(tokens[i], row);
          MemorySegment.copy(row, 0, x.data().segment(), Bytes.FLOAT, x.offset(i, 0), x.cols());
        });
  }

  @Override
  public void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y) {
    Checks.norm(x, from, to, weight, y);
    team.forEach(
        to - from,
        (worker, i) ->
            ElementKernels.rmsNorm(x, from + i, weight, epsilon, y, workers[worker].scratch));
  }

  @Override
  public void linear(Matrix x, Linear weights, Matrix y, int column) {
    Checks.linear(x, weights, y, column);
    switch (weights) {
      case Int4Linear int4 -> int4(x, int4, y, column);
      case DenseLinear(LinearWeights.Bf16 bf16) -> gemm(x, bf16, y, column);
      case DenseLinear(LinearWeights other) -> product(x, other, y, column);
      default -> throw new IllegalArgumentException("weights of another device: " + weights);
    }
  }

  private void int4(Matrix x, Int4Linear weights, Matrix y, int column) {
    Int4Linear.Shard[] shards = weights.shards();
    team.run(
        worker -> {
          if (worker < shards.length) {
            int4(x, shards[worker], y, column, workers[worker]);
          }
        });
  }

  private void int4(Matrix x, Int4Linear.Shard shard, Matrix y, int column, Worker worker) {
    long input = worker.handles.of(x, 0, x.cols());
    long product =
        libtorch.int4Matmul(input, shard.packed(), groupSize, shard.parameters(), worker.result);
    long width = 2L * (shard.to() - shard.from());
    MemorySegment from = libtorch.data(product, width * x.rows(), worker.result);
    for (int i = 0; i < x.rows(); i++) {
      long to = y.offset(i, column + shard.from());
      MemorySegment.copy(from, i * width, y.data().segment(), to, width);
    }
    libtorch.delete(product);
  }

  private void gemm(Matrix x, LinearWeights.Bf16 weights, Matrix y, int column) {
    int[] borders = Int4Linear.borders(weights.outputs(), team.size());
    team.run(
        worker -> {
          if (worker < borders.length - 1) {
            int from = borders[worker];
            int width = borders[worker + 1] - from;
            HandleCache handles = workers[worker].handles;
            long w =
                libtorch.transposed(
                    weights.values(), 2L * from * weights.inputs(), width, weights.inputs());
            libtorch.matmul(handles.of(y, column + from, width), handles.of(x, 0, x.cols()), w);
            libtorch.delete(w);
          }
        });
  }

  private void product(Matrix x, LinearWeights weights, Matrix y, int column) {
    float[][] wide = widen(x);
    products(weights, wide, x.rows(), (i, n, value) -> y.set(i, column + n, value));
  }

  @Override
  public void logits(Matrix x, Linear head, Matrix y) {
    Checks.logits(x, head, y);
    switch (head) {
      case DenseLinear(LinearWeights weights) -> {
        float[][] wide = widen(x);
        Bytes out = y.data();
        products(weights, wide, x.rows(), (i, n, value) -> out.putFloat(y.offset(i, n), value));
      }
      case Int4Linear int4 -> int4Logits(x, int4, y);
      default -> throw new IllegalArgumentException("weights of another device: " + head);
    }
  }

  private void int4Logits(Matrix x, Int4Linear head, Matrix y) {
    Matrix narrow = Matrix.allocate(DType.BF16, x.rows(), x.cols());
    Matrix result = Matrix.allocate(DType.BF16, y.rows(), y.cols());
    for (int i = 0; i < x.rows(); i++) {
      for (int k = 0; k < x.cols(); k++) {
        narrow.set(i, k, x.get(i, k));
      }
    }
    int4(narrow, head, result, 0);
    team.forEach(
        y.rows(),
        (worker, i) -> {
          float[] row = workers[worker].scratch.floats(y.cols());
          ElementKernels.widen(result, i, row);
          MemorySegment.copy(row, 0, y.data().segment(), Bytes.FLOAT, y.offset(i, 0), y.cols());
        });
  }

  private void products(LinearWeights weights, float[][] x, int rows, ProductKernel.Sink sink) {
    forColumns(
        weights.outputs(),
        (worker, from, to) ->
            ProductKernel.run(weights, x, rows, from, to, sink, workers[worker].scratch));
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
    LoraKernel kernel = new LoraKernel(y, segments, widen(x));
    team.run(worker -> kernel.down(worker, team.size(), workers[worker].scratch));
    forColumns(y.cols(), (worker, from, to) -> kernel.up(from, to, workers[worker].scratch));
  }

  @Override
  public void addBias(Matrix y, float[] bias) {
    Checks.bias(y, bias);
    forColumns(y.cols(), (worker, from, to) -> ElementKernels.addBias(y, bias, from, to));
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
    AttentionKernel kernel = new AttentionKernel(qkv, rows, cache, layer);
    float[][] tables = new float[rows.count()][];
    for (int i = 0; i < tables.length; i++) {
      tables[i] = rotary.at(rows.positions()[i]);
    }
    team.forEach(
        rows.count(),
        (worker, i) -> kernel.rotateAndStore(i, tables[i], headNorms, workers[worker].scratch));
  }

  @Override
  public void attend(Matrix qkv, Rows rows, KvCache cache, int layer, Matrix y) {
    Checks.attention(qkv, rows, cache, layer);
    AttentionKernel kernel = new AttentionKernel(qkv, rows, cache, layer);
    int kvHeads = cache.shape().kvHeads();
    int items = rows.count() * kvHeads;
    team.run(
        worker -> {
          // Every size-th item: neighbouring rows of a prompt cost about the same.
          for (int item = worker; item < items; item += team.size()) {
            kernel.attend(item / kvHeads, item % kvHeads, y, workers[worker].scratch);
          }
        });
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix y) {
    Checks.swiglu(gateUp, y);
    forColumns(y.cols(), (worker, from, to) -> ElementKernels.swiglu(gateUp, y, from, to));
  }

  @Override
  public void add(Matrix x, Matrix delta) {
    Checks.sameShape(x, delta);
    forColumns(x.cols(), (worker, from, to) -> ElementKernels.add(x, delta, from, to));
  }

  /// A worker's share of columns.
  private interface ColumnWork {
    void run(int worker, int from, int to);
  }

  private void forColumns(int columns, ColumnWork work) {
    int units = (columns + COLUMN_UNIT - 1) / COLUMN_UNIT;
    team.run(
        worker -> {
          int from = (int) ((long) units * worker / team.size()) * COLUMN_UNIT;
          int to = (int) ((long) units * (worker + 1) / team.size()) * COLUMN_UNIT;
          if (from < Math.min(to, columns)) {
            work.run(worker, from, Math.min(to, columns));
          }
        });
  }

  @Override
  public void close() {
    team.close();
    libtorch.delete(groupSize);
    for (Worker worker : workers) {
      worker.handles.close();
    }
  }
}
