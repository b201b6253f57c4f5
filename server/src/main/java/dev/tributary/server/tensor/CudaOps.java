package dev.tributary.server.tensor;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.CudaKernels.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalLong;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/// [Ops] on a GPU: our own kernels in CUDA C, and libtorch's GEMM on the wide path.
///
/// The narrow path is our kernel and not libtorch's `_weight_int4pack_mm`, which is not bound (its
/// C function is in libtorch from 2.8 on): that rounds activations, scales and zeros to bfloat16,
/// which changes an answer now and then, while ours multiplies the file's own scales in float32 (as
/// [CpuOps] does), and at few rows both only wait for the weights' bytes. The wide path is for
/// speed: it dequantises to bfloat16 and lets libtorch's GEMM use the tensor cores, where int4pack
/// falls behind from some 64 rows on and would need a second copy of the weights in its own layout.
///
/// Everything is launched in one stream and nothing is waited for but [#logits], which brings its
/// result to the host. Arrays of weights (norms, biases) are sent once and recognised by identity:
/// their contents must not change. What a step launches is gathered by [CudaStep] and launched as a
/// graph where it was launched before; grids are rounded up where that lets steps be alike.
///
/// The kernels are compiled and emulated, not run: no GPU has computed this yet.
final class CudaOps implements Ops {
  private static final int BLOCK = 128;
  private static final int NORM_BLOCK = 256;
  private static final int WARPS = BLOCK / 32;

  /// Inputs that a thread of embed widens.
  private static final int EIGHT = 8;

  /// Rows of `product_8` and of the LoRA kernels' blocks.
  private static final int ROWS = 8;

  /// Positions a part: PART of `attention.cu`.
  private static final int PART = 256;

  /// MAX_HEAD_DIM of `attention.cu`.
  private static final int MAX_HEAD_DIM = 512;

  /// Bytes of attention's partial results, at most (unless one row alone needs more).
  private static final long PARTIAL_BYTES = 64L << 20;

  private final CudaDriver driver;
  private final CudaStep step;
  private final @Nullable CudaWide wide;
  private final String numerics;
  private final CudaRows places;
  private final CudaAdapters adapters;
  private final WeakHashMap<float[], DeviceMemory> constants = new WeakHashMap<>();
  private final CudaScratch hidden;
  private final CudaScratch partial;
  private final CudaScratch logits;

  /// @param gemm the wide path, or null for none
  /// @param numerics what of compiler and libraries decides a result's bits
  /// @param adapterBytes size of the adapters' pool
  CudaOps(
      CudaDriver driver,
      CudaKernels kernels,
      CudaWide.@Nullable Gemm gemm,
      String numerics,
      long adapterBytes) {
    this.driver = driver;
    this.numerics = numerics;
    step = new CudaStep(driver, kernels);
    wide = gemm == null ? null : new CudaWide(driver, step, gemm);
    places = new CudaRows(step);
    adapters = new CudaAdapters(driver, step, adapterBytes);
    hidden = new CudaScratch(driver);
    partial = new CudaScratch(driver);
    logits = new CudaScratch(driver);
  }

  CudaDriver driver() {
    return driver;
  }

  @Override
  public boolean copiesAdapters() {
    return true;
  }

  @Override
  public boolean holds(Matrix adapter) {
    return adapter.data().isPooled();
  }

  CudaAdapters adapters() {
    return adapters;
  }

  /// Graphs held.
  int graphs() {
    return step.graphs();
  }

  @Override
  public void claimThread() {
    driver.claimThread();
  }

  @Override
  public String numerics() {
    return wide == null || wide.from() < Integer.MAX_VALUE ? numerics : numerics + " wide=none";
  }

  @Override
  public OptionalLong freeMemory() {
    driver.claimThread();
    return OptionalLong.of(driver.freeMemory());
  }

  @Override
  public Bytes reserve(long size) {
    driver.claimThread();
    return new Bytes(driver.allocate(size));
  }

  @Override
  public Matrix allocate(DType type, int rows, int cols) {
    return new Matrix(reserve((long) rows * cols * type.bytes()), type, rows, cols);
  }

  @Override
  public Matrix allocateLogits(int rows, int cols) {
    driver.claimThread();
    MemorySegment pinned = driver.allocateHost((long) rows * cols * Float.BYTES);
    return new Matrix(Bytes.of(pinned), DType.F32, rows, cols);
  }

  @Override
  public void ready() {
    if (wide != null) {
      wide.measure(this);
    }
  }

  /// Inputs with outliers are not taken in two parts here: the wide path rounds them once.
  @Override
  public Linear pack(LinearWeights weights, boolean outliers) {
    driver.claimThread();
    CudaLinear linear = CudaLinear.of(driver, weights);
    if (wide != null) {
      wide.add(linear);
    }
    return linear;
  }

  @Override
  public void step(Runnable work) {
    step.gather(work);
  }

  @Override
  public void embed(int[] tokens, Linear table, Matrix x) {
    Checks.embed(tokens, table, x);
    CudaLinear weights = own(table);
    CudaStep.Piece piece = step.take((long) Integer.BYTES * tokens.length);
    MemorySegment.copy(tokens, 0, piece.bytes(), Bytes.INT, 0, tokens.length);
    step.launch(
        Kernel.EMBED,
        Math.ceilDiv(x.cols(), EIGHT * BLOCK),
        tokens.length,
        1,
        BLOCK,
        weights.held().ordinal(),
        weights.codes(),
        weights.parameters(),
        weights.inputs(),
        piece.address(),
        x);
  }

  @Override
  public void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y) {
    Checks.norm(x, from, to, weight, y);
    if (from < to) {
      step.launch(
          Kernel.RMS_NORM,
          to - from,
          1,
          1,
          NORM_BLOCK,
          x.rowRange(from, to),
          constant(weight),
          epsilon,
          x.cols(),
          y.rowRange(from, to));
    }
  }

  @Override
  public int wideFrom() {
    return wide == null ? Integer.MAX_VALUE : wide.from();
  }

  @Override
  public void linear(Matrix x, Linear weights, Matrix y, int column, ComputePath path) {
    Checks.linear(x, weights, y, column);
    CudaLinear own = own(weights);
    if (path == ComputePath.WIDE && wide != null && wide.takes(own)) {
      wide.multiply(x, own, y, column);
    } else {
      product(x, own, y, y.cols(), column);
    }
  }

  @Override
  public void logits(Matrix x, Linear head, Matrix y, ComputePath path) {
    Checks.linear(x, head, y, 0);
    DeviceMemory result = logits.of((long) Float.BYTES * y.rows() * y.cols());
    product(x, own(head), new Bytes(result), y.cols(), 0);
    step.flush();
    driver.read(result.address(), y.data().segment().asSlice(0, result.size()));
  }

  private void product(Matrix x, CudaLinear weights, Matrix y, int stride, int column) {
    product(x, weights, y.data(), stride, column);
  }

  private void product(Matrix x, CudaLinear weights, Bytes y, int stride, int column) {
    boolean one = x.rows() == 1;
    step.launch(
        one ? Kernel.PRODUCT_1 : Kernel.PRODUCT_8,
        Math.ceilDiv(weights.outputs(), WARPS),
        one ? 1 : Math.ceilDiv(x.rows(), ROWS),
        1,
        BLOCK,
        weights.held().ordinal(),
        weights.codes(),
        weights.parameters(),
        weights.outputs(),
        weights.inputs(),
        x,
        x.rows(),
        y,
        stride,
        column);
  }

  /// Launches a kernel of a thread an element.
  private void elements(Kernel kernel, int rows, int columns, Object... arguments) {
    step.launch(kernel, Math.ceilDiv(columns, BLOCK), rows, 1, BLOCK, arguments);
  }

  @Override
  public void lora(Matrix x, Matrix y, List<LoraSegment> segments) {
    if (segments.isEmpty()) {
      return;
    }
    segments.forEach(segment -> Checks.lora(x, y, segment));
    adapters.begin();
    CudaLoraPlan plan = new CudaLoraPlan(segments, adapters);
    adapters.end();
    CudaStep.Piece piece = step.take(plan.size());
    long at = piece.address();
    plan.write(piece.bytes(), at);
    DeviceMemory h = hidden.of(Float.BYTES * plan.hidden());
    int rowBlocks = Math.ceilDiv(plan.mostRows(), ROWS);
    if (plan.terms() > 0) {
      step.launch(
          Kernel.LORA_DOWN,
          plan.terms(),
          Math.ceilDiv(plan.mostRanks(), WARPS),
          rowBlocks,
          BLOCK,
          adapters.pool(),
          at + plan.termsAt(),
          at,
          x,
          x.cols(),
          h);
    }
    step.launch(
        Kernel.LORA_UP,
        Math.ceilDiv(y.cols(), BLOCK),
        plan.segments(),
        rowBlocks,
        BLOCK,
        adapters.pool(),
        at + plan.termsAt(),
        at,
        h,
        y,
        y.cols());
  }

  @Override
  public void addBias(Matrix y, float[] bias) {
    Checks.bias(y, bias);
    elements(Kernel.ADD_BIAS, y.rows(), y.cols(), y, constant(bias), y.cols());
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
    AttentionShape shape = fitting(cache.shape());
    places.send(rows, rotary);
    step.launch(
        Kernel.ROTATE_AND_STORE,
        rows.count(),
        shape.heads() + 2 * shape.kvHeads(),
        1,
        BLOCK,
        qkv,
        places.places(),
        places.pages(),
        places.turns(),
        rotary.dims() / 2,
        headNorms == null ? 0L : constant(headNorms.query()),
        headNorms == null ? 0L : constant(headNorms.key()),
        headNorms == null ? 0f : headNorms.epsilon(),
        shape.heads(),
        shape.kvHeads(),
        shape.headDim(),
        layer(cache.keys(), cache, layer),
        layer(cache.values(), cache, layer));
  }

  @Override
  public void attend(Matrix qkv, Rows rows, KvCache cache, int layer, Matrix y) {
    Checks.attention(qkv, rows, cache, layer);
    AttentionShape shape = fitting(cache.shape());
    places.send(rows, null);
    int last = 0;
    for (int position : rows.positions()) {
      last = Math.max(last, position);
    }
    int parts = CudaLoraPlan.powerOfTwo(last / PART + 1);
    long rowBytes = (long) Float.BYTES * shape.heads() * parts * (shape.headDim() + 2);
    int most = (int) Math.clamp(PARTIAL_BYTES / rowBytes, 1, rows.count());
    DeviceMemory results = partial.of(most * rowBytes);
    for (int from = 0; from < rows.count(); from += most) {
      int count = Math.min(most, rows.count() - from);
      step.launch(
          Kernel.ATTEND_PART,
          count,
          shape.kvHeads(),
          parts,
          BLOCK,
          qkv,
          from,
          places.places(),
          places.pages(),
          shape.heads(),
          shape.kvHeads(),
          shape.headDim(),
          layer(cache.keys(), cache, layer),
          layer(cache.values(), cache, layer),
          parts,
          results);
      step.launch(
          Kernel.ATTEND_JOIN,
          count,
          shape.heads(),
          1,
          BLOCK,
          results,
          from,
          places.places(),
          shape.heads(),
          shape.headDim(),
          parts,
          y);
    }
  }

  private static AttentionShape fitting(AttentionShape shape) {
    if (shape.headDim() > MAX_HEAD_DIM) {
      throw new IllegalArgumentException("head dimension " + shape.headDim() + " on the GPU");
    }
    return shape;
  }

  /// A layer's keys or values.
  private static Bytes layer(Bytes all, KvCache cache, int layer) {
    long size = all.size() / cache.layers();
    return all.slice(layer * size, size);
  }

  @Override
  public void swiglu(Matrix gateUp, Matrix y) {
    Checks.swiglu(gateUp, y);
    elements(Kernel.SWIGLU, y.rows(), y.cols(), gateUp, y.cols(), y);
  }

  @Override
  public void add(Matrix x, Matrix delta) {
    Checks.sameShape(x, delta);
    elements(Kernel.ADD, x.rows(), x.cols(), x, delta, x.cols());
  }

  private static CudaLinear own(Linear weights) {
    if (weights instanceof CudaLinear own) {
      return own;
    }
    throw new IllegalArgumentException("weights of another device: " + weights);
  }

  /// `values` on the device, sent when first asked for and kept while they are reachable.
  private DeviceMemory constant(float[] values) {
    return constants.computeIfAbsent(
        values,
        _ -> {
          DeviceMemory memory = driver.allocate((long) Float.BYTES * values.length);
          try (Arena arena = Arena.ofConfined()) {
            driver.write(arena.allocateFrom(Bytes.FLOAT, values), memory.address());
          }
          return memory;
        });
  }

  @Override
  public void close() {
    step.close();
    driver.close();
  }
}
