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
/// their contents must not change. A step is not captured as a graph: adapters, page tables and
/// grids change from step to step.
///
/// The kernels are compiled and emulated, not run: no GPU has computed this yet.
final class CudaOps implements Ops {
  private static final int BLOCK = 128;
  private static final int NORM_BLOCK = 256;
  private static final int WARPS = BLOCK / 32;

  /// Inputs that a thread of embed and dequantise widens.
  private static final int EIGHT = 8;

  /// Rows of `product_8` and of the LoRA kernels' blocks.
  private static final int ROWS = 8;

  /// Positions a part: PART of `attention.cu`.
  private static final int PART = 256;

  /// MAX_HEAD_DIM of `attention.cu`.
  private static final int MAX_HEAD_DIM = 512;

  /// Bytes of attention's partial results, at most (unless one row alone needs more).
  private static final long PARTIAL_BYTES = 64L << 20;

  private static final long STAGING_BYTES = 4L << 20;

  private final CudaDriver driver;
  private final CudaKernels kernels;
  private final @Nullable CudaGemm gemm;
  private final String numerics;
  private final CudaStaging staging;
  private final CudaRows places;
  private final CudaAdapters adapters;
  private final WeakHashMap<float[], DeviceMemory> constants = new WeakHashMap<>();
  private final CudaScratch hidden;
  private final CudaScratch partial;
  private final CudaScratch logits;
  private final CudaScratch wideWeights;
  private final CudaScratch wideIn;
  private final CudaScratch wideOut;

  /// @param gemm the wide path, or null for none
  /// @param numerics what of compiler and libraries decides a result's bits
  /// @param adapterBytes size of the adapters' pool
  CudaOps(
      CudaDriver driver,
      CudaKernels kernels,
      @Nullable CudaGemm gemm,
      String numerics,
      long adapterBytes) {
    this.driver = driver;
    this.kernels = kernels;
    this.gemm = gemm;
    this.numerics = numerics;
    staging = new CudaStaging(driver, CudaDriver.Queue.COMPUTE, STAGING_BYTES);
    places = new CudaRows(driver);
    adapters = new CudaAdapters(driver, adapterBytes);
    hidden = new CudaScratch(driver);
    partial = new CudaScratch(driver);
    logits = new CudaScratch(driver);
    wideWeights = new CudaScratch(driver);
    wideIn = new CudaScratch(driver);
    wideOut = new CudaScratch(driver);
  }

  CudaDriver driver() {
    return driver;
  }

  @Override
  public void claimThread() {
    driver.claimThread();
  }

  @Override
  public String numerics() {
    return numerics;
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
    // Nothing is measured: the crossover is a constant until a GPU has run this.
  }

  /// Inputs with outliers are not taken in two parts here: the wide path rounds them once.
  @Override
  public Linear pack(LinearWeights weights, boolean outliers) {
    driver.claimThread();
    return CudaLinear.of(driver, weights);
  }

  @Override
  public void embed(int[] tokens, Linear table, Matrix x) {
    Checks.embed(tokens, table, x);
    CudaLinear weights = own(table);
    MemorySegment taken = staging.take((long) Integer.BYTES * tokens.length);
    MemorySegment.copy(tokens, 0, taken, Bytes.INT, 0, tokens.length);
    staging.send(taken);
    kernels.launch(
        Kernel.EMBED,
        Math.ceilDiv(x.cols(), EIGHT * BLOCK),
        tokens.length,
        1,
        BLOCK,
        weights.held().ordinal(),
        weights.codes(),
        weights.parameters(),
        weights.inputs(),
        staging.address(taken),
        x);
  }

  @Override
  public void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y) {
    Checks.norm(x, from, to, weight, y);
    if (from < to) {
      kernels.launch(
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
    return gemm == null ? Integer.MAX_VALUE : CudaGemm.TILE;
  }

  @Override
  public void linear(Matrix x, Linear weights, Matrix y, int column, ComputePath path) {
    Checks.linear(x, weights, y, column);
    CudaLinear own = own(weights);
    if (path == ComputePath.WIDE && gemm != null && own.fourBits()) {
      wide(gemm, x, own, y, column);
    } else {
      product(x, own, y, y.cols(), column);
    }
  }

  @Override
  public void logits(Matrix x, Linear head, Matrix y, ComputePath path) {
    Checks.linear(x, head, y, 0);
    DeviceMemory result = logits.of((long) Float.BYTES * y.rows() * y.cols());
    product(x, own(head), new Bytes(result), y.cols(), 0);
    driver.read(result.address(), y.data().segment().asSlice(0, result.size()));
  }

  private void product(Matrix x, CudaLinear weights, Matrix y, int stride, int column) {
    product(x, weights, y.data(), stride, column);
  }

  private void product(Matrix x, CudaLinear weights, Bytes y, int stride, int column) {
    boolean one = x.rows() == 1;
    kernels.launch(
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

  private void wide(CudaGemm gemm, Matrix x, CudaLinear weights, Matrix y, int column) {
    int outputs = weights.outputs();
    int inputs = weights.inputs();
    int tiles = Math.ceilDiv(x.rows(), CudaGemm.TILE);
    DeviceMemory w = wideWeights.of(2L * outputs * inputs);
    DeviceMemory in = wideIn.of(2L * tiles * CudaGemm.TILE * inputs);
    DeviceMemory out = wideOut.of(2L * tiles * CudaGemm.TILE * outputs);
    kernels.launch(
        Kernel.DEQUANTISE,
        outputs,
        Math.ceilDiv(inputs, EIGHT * BLOCK),
        1,
        BLOCK,
        weights.held().ordinal(),
        weights.codes(),
        weights.parameters(),
        inputs,
        w);
    elements(Kernel.NARROW, x.rows(), inputs, x, inputs, in);
    gemm.multiply(out, in, w, tiles, outputs, inputs);
    elements(Kernel.WIDEN, x.rows(), outputs, out, outputs, y, y.cols(), column);
  }

  /// Launches a kernel of a thread an element.
  private void elements(Kernel kernel, int rows, int columns, Object... arguments) {
    kernels.launch(kernel, Math.ceilDiv(columns, BLOCK), rows, 1, BLOCK, arguments);
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
    MemorySegment taken = staging.take(plan.size());
    long at = staging.address(taken);
    plan.write(taken, at);
    staging.send(taken);
    DeviceMemory h = hidden.of(Float.BYTES * plan.hidden());
    int rowBlocks = Math.ceilDiv(plan.mostRows(), ROWS);
    if (plan.terms() > 0) {
      kernels.launch(
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
    kernels.launch(
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
    kernels.launch(
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
    int parts = last / PART + 1;
    long rowBytes = (long) Float.BYTES * shape.heads() * parts * (shape.headDim() + 2);
    int step = (int) Math.clamp(PARTIAL_BYTES / rowBytes, 1, rows.count());
    DeviceMemory results = partial.of(step * rowBytes);
    for (int from = 0; from < rows.count(); from += step) {
      int count = Math.min(step, rows.count() - from);
      kernels.launch(
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
      kernels.launch(
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
    driver.close();
  }
}
