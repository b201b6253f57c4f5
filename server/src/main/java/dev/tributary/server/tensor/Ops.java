package dev.tributary.server.tensor;

import dev.tributary.identity.ComputePath;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The operations of a transformer step, each over all rows of the step.
///
/// Activations, sums, keys and values are float32, in memory of [#allocate] and [#reserve]. Shapes
/// are checked here, before native code sees them. Not thread safe: one thread, the engine's,
/// calls; an implementation spreads the work over threads of its own.
public sealed interface Ops extends AutoCloseable permits CpuOps, CudaOps, ReferenceOps {
  /// libtorch's GEMM and Vector API kernels on `threads` threads, the caller's included.
  static Ops cpu(Libtorch libtorch, int threads) {
    return cpu(libtorch, threads, false);
  }

  /// Likewise.
  ///
  /// @param residentBf16 keeps four-bit weights a second time, as the bfloat16 that the wide path
  ///   multiplies: 3.2 times their memory more, and no dequantising in a step
  static Ops cpu(Libtorch libtorch, int threads, boolean residentBf16) {
    return new CpuOps(libtorch, threads, residentBf16);
  }

  /// The plain-Java twin: slow, single threaded, float64 sums in the obvious order.
  static Ops reference() {
    return new ReferenceOps();
  }

  /// The first GPU of this machine; the kernels are compiled here and now.
  ///
  /// Compiled and emulated, not run: no GPU has computed this yet.
  ///
  /// @param libtorch folder of an installed libtorch: one with CUDA adds the wide path; or null
  /// @param adapterBytes memory of the device for adapters
  /// @throws IllegalStateException saying what is missing
  static Ops cuda(@Nullable Path libtorch, long adapterBytes) {
    return Cuda.open(libtorch, adapterBytes);
  }

  /// The name of this machine's first GPU; empty without one, or without its driver.
  static Optional<String> gpu() {
    return Cuda.present();
  }

  /// Zeros where the operations work: the device's memory, which the host may not be able to read.
  default Matrix allocate(DType type, int rows, int cols) {
    return Matrix.allocate(type, rows, cols);
  }

  /// Float32 zeros for [#logits] to write and the host to read.
  default Matrix allocateLogits(int rows, int cols) {
    return Matrix.allocate(DType.F32, rows, cols);
  }

  /// Zeros where the operations work, for a [KvCache].
  default Bytes reserve(long size) {
    return Bytes.reserve(size);
  }

  /// Free bytes of the device's own memory; empty where the operations work in the host's.
  default OptionalLong freeMemory() {
    return OptionalLong.empty();
  }

  /// Prepares the calling thread to call the operations; the engine's does so once.
  void claimThread();

  /// What decides a result's bits besides the request: library and version, vector lanes, CPU
  /// features. Part of the numerics id.
  String numerics();

  /// Packs weights; the originals are not kept.
  default Linear pack(LinearWeights weights) {
    return pack(weights, false);
  }

  /// Packs weights; the originals are not kept.
  ///
  /// @param outliers whether inputs may have a few values far larger than the rest, as the down
  ///   projection's have (Sun et al. 2024, "Massive Activations in Large Language Models"); the
  ///   wide path then takes them in two parts, else it would round away what lies beside them
  Linear pack(LinearWeights weights, boolean outliers);

  /// All weights are packed: checks the wide path on their shapes and measures from how many rows
  /// on it is the faster. Takes a second or two; the thread must be claimed.
  void ready();

  /// Runs `work`: operations of one step but [#logits], all that it copies or reads left out. They
  /// are in order, but may be done together, and only when this returns.
  default void step(Runnable work) {
    work.run();
  }

  /// `x[i] = table[tokens[i]]`. x: float32 `[tokens, hidden]`.
  void embed(int[] tokens, Linear table, Matrix x);

  /// Root mean square norm (Zhang and Sennrich 2019) of rows `[from, to)`: `y = x / sqrt(mean(x²) +
  /// epsilon) * weight`. x: float32 `[rows, n]`; y: `[rows, n]`.
  void rmsNorm(Matrix x, int from, int to, float[] weight, float epsilon, Matrix y);

  /// `y[:, column .. column + outputs) = x Wᵀ`. x, y: float32 `[rows, inputs]`, `[rows, any]`.
  ///
  /// @param path honoured by weights in codes where [#wideFrom] says that there is a wide path
  void linear(Matrix x, Linear weights, Matrix y, int column, ComputePath path);

  /// Rows from which on the wide path is the faster, as measured here; [Integer#MAX_VALUE] where
  /// there is none, and WIDE is computed as NARROW.
  int wideFrom();

  /// Applies adapters to a product; segments are disjoint, rows without one stay as they are. x:
  /// the product's input, float32 `[rows, inputs]`; y: its output, float32 `[rows, columns]`.
  void lora(Matrix x, Matrix y, List<LoraSegment> segments);

  /// Whether adapters are brought to memory of the device's own before kernels read them.
  default boolean copiesAdapters() {
    return false;
  }

  /// Whether a matrix of an adapter is where the kernels read it. If not, a step that uses it
  /// brings it there first. Any thread may ask.
  default boolean holds(Matrix adapter) {
    return true;
  }

  /// `y[i, j] += bias[j]`. y: float32.
  void addBias(Matrix y, float[] bias);

  /// Normalises (Qwen3: per head, before rotation) and rotates queries and keys in place, and
  /// stores keys and values in `cache`. qkv: float32 `[rows, shape.width()]`.
  ///
  /// @param headNorms weights for queries and keys, `[headDim]` each, or null
  void rotateAndStore(
      Matrix qkv,
      Rows rows,
      Rotary rotary,
      @Nullable HeadNorms headNorms,
      KvCache cache,
      int layer);

  /// Causal attention of each row over positions 0 to its own. qkv: as rotateAndStore left it; y:
  /// float32 `[rows, shape.queryWidth()]`.
  void attend(Matrix qkv, Rows rows, KvCache cache, int layer, Matrix y);

  /// `y = silu(gate) * up`. gateUp: float32 `[rows, 2 n]`, gate first; y: float32 `[rows, n]`.
  void swiglu(Matrix gateUp, Matrix y);

  /// `x += delta`. x, delta: float32.
  void add(Matrix x, Matrix delta);

  /// `y = x Wᵀ` for the head. Unlike [#linear] it rounds no inputs of weights that are bfloat16
  /// already. y: of [#allocateLogits], complete when this returns.
  void logits(Matrix x, Linear head, Matrix y, ComputePath path);

  /// What training needs besides; empty where the device has no kernels for it.
  default Optional<BackwardOps> backward() {
    return Optional.empty();
  }

  /// Threads that [#forEach] works on, the caller's included.
  default int workers() {
    return 1;
  }

  /// Runs `work` once for each of `items` on any of the threads that compute the operations, and
  /// returns when all are done; throws if one fails.
  default void forEach(int items, ItemWork work) {
    for (int item = 0; item < items; item++) {
      work.run(0, item);
    }
  }

  @Override
  void close();

  /// One of a number of like things to do.
  interface ItemWork {
    /// @param worker of [#workers]; no two run at a time
    void run(int worker, int item);
  }

  /// RMS norm weights of query and key heads.
  record HeadNorms(float[] query, float[] key, float epsilon) {}
}
