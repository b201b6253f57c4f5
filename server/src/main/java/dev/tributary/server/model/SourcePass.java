package dev.tributary.server.model;

import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tensor.Region;
import dev.tributary.server.tensor.Rotary;
import dev.tributary.server.tensor.RowProduct;
import dev.tributary.server.tensor.Rows;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.StoredTensor;
import dev.tributary.server.weights.TensorType;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The logits of a checkpoint as its file has it, nothing quantised and nothing rounded: what a
/// base in four bits is measured against.
///
/// Weights are read layer by layer out of the mapped file, in float32, and forgotten: no second
/// model is resident. One text at a time, in pieces of a few milliseconds, by the thread that owns
/// `ops`.
public final class SourcePass implements AutoCloseable {
  /// Of 16 bits, or more.
  private static final Set<TensorType> UNQUANTISED =
      Set.of(TensorType.F32, TensorType.F16, TensorType.BF16);

  /// Multiplications of a piece, at most: some 5 ms.
  private static final long PIECE = 400_000_000;

  /// Rows of a piece of attention.
  private static final int ATTENDING = 64;

  /// Most rows whose logits are there at a time.
  static final int LOGITS = 64;

  private final GraphTensors tensors;
  private final LlamaConfig config;
  private final Ops ops;
  private final RowProduct product;
  private final Rotary rotary;
  private final KvCache cache;
  private final int maxTokens;
  private final Region region;
  private final Queue<Runnable> pieces = new ArrayDeque<>();
  private @Nullable Work work;
  private @Nullable Matrix logits;

  /// Float32, `[tokens, any]`.
  private record Work(
      Rows rows,
      Matrix residual,
      Matrix normed,
      Matrix qkv,
      Matrix attended,
      Matrix delta,
      Matrix gateUp,
      Matrix activated) {}

  /// @param config of the checkpoint ([LlamaLoader#config])
  /// @param ops whose memory is the host's
  /// @param maxTokens longest text
  /// @throws ModelException naming a tensor that is missing, too many or quantised
  public SourcePass(Checkpoint checkpoint, LlamaConfig config, Ops ops, int maxTokens) {
    this.config = config;
    this.ops = ops;
    this.maxTokens = maxTokens;
    tensors = new GraphTensors(checkpoint, config);
    requireWhole();
    product = new RowProduct(ops);
    rotary = config.rotary().rotary(config.attention().headDim(), config.context());
    cache = new KvCache(1, Math.ceilDiv(maxTokens, KvCache.PAGE), config.attention(), ops::reserve);
    region = Region.allocate(workBytes(config, maxTokens));
  }

  /// Bytes of memory that a pass over texts of so many tokens takes; the weights stay in the file.
  public static long bytes(LlamaConfig config, int maxTokens) {
    return workBytes(config, maxTokens)
        + KvCache.bytesPerPage(1, config.attention()) * Math.ceilDiv(maxTokens, KvCache.PAGE);
  }

  private static long workBytes(LlamaConfig config, int maxTokens) {
    long row =
        3L * config.hidden()
            + config.attention().width()
            + config.attention().queryWidth()
            + 3L * config.feedForward();
    return Float.BYTES * (row * maxTokens + (long) LOGITS * config.vocabulary());
  }

  /// Reads every tensor once: what is missing, quantised or not of this graph is refused now.
  private void requireWhole() {
    requireUnquantised(tensors.embedding());
    requireUnquantised(tensors.head());
    var unused = tensors.finalNorm();
    for (int layer = 0; layer < config.layers(); layer++) {
      var unusedNorms = List.of(tensors.attentionNorm(layer), tensors.feedForwardNorm(layer));
      var unusedHeadNorms = tensors.headNorms(layer);
      requireBiases(layer);
      for (Projection projection : Projection.values()) {
        requireUnquantised(tensors.projection(layer, projection));
      }
    }
    tensors.refuseUnread();
  }

  private void requireBiases(int layer) {
    if (config.qkvBias()) {
      var unused = tensors.bias(layer, Projection.Q, Projection.K, Projection.V);
    }
    if (config.outputBias()) {
      var unused = tensors.bias(layer, Projection.O);
    }
    if (config.feedForwardBias()) {
      var unused = tensors.bias(layer, Projection.GATE, Projection.UP, Projection.DOWN);
    }
  }

  private static void requireUnquantised(StoredTensor tensor) {
    if (!UNQUANTISED.contains(tensor.type())) {
      throw new ModelException(
          "tensor %s is %s: a source has F16, BF16 or F32".formatted(tensor.name(), tensor.type()));
    }
  }

  /// Longest text, in tokens.
  public int maxTokens() {
    return maxTokens;
  }

  /// Starts with a text; what was there of another is forgotten. Complete when [#advance] has
  /// returned false; then [#beginLogits].
  public void begin(int[] tokens) {
    if (tokens.length == 0 || tokens.length > Math.min(maxTokens, config.context())) {
      throw new IllegalArgumentException(tokens.length + " tokens");
    }
    pieces.clear();
    logits = null;
    Work w = work(tokens.length);
    work = w;
    add(() -> embed(tokens, w.residual));
    for (int layer = 0; layer < config.layers(); layer++) {
      addAttention(layer, w);
      addFeedForward(layer, w);
    }
  }

  private Work work(int tokens) {
    int[] positions = new int[tokens];
    Arrays.setAll(positions, i -> i);
    int[] pages = new int[Math.ceilDiv(tokens, KvCache.PAGE)];
    Arrays.setAll(pages, i -> i);
    int[][] tables = new int[tokens][];
    Arrays.fill(tables, pages);
    Cut cut = new Cut(region.bytes(), tokens);
    return new Work(
        new Rows(positions, tables),
        cut.next(config.hidden()),
        cut.next(config.hidden()),
        cut.next(config.attention().width()),
        cut.next(config.attention().queryWidth()),
        cut.next(config.hidden()),
        cut.next(2 * config.feedForward()),
        cut.next(config.feedForward()));
  }

  private void embed(int[] tokens, Matrix residual) {
    StoredTensor table = tensors.embedding();
    float[] row = new float[config.hidden()];
    for (int i = 0; i < tokens.length; i++) {
      table.row(tokens[i], row);
      for (int j = 0; j < row.length; j++) {
        residual.set(i, j, row[j]);
      }
    }
  }

  private void addAttention(int layer, Work w) {
    add(() -> norm(w.residual, tensors.attentionNorm(layer), w.normed));
    int column = 0;
    for (Projection projection : List.of(Projection.Q, Projection.K, Projection.V)) {
      addProduct(tensors.projection(layer, projection), w.normed, w.qkv, column);
      column += config.outputs(projection);
    }
    if (config.qkvBias()) {
      addBias(w.qkv, layer, Projection.Q, Projection.K, Projection.V);
    }
    add(() -> ops.rotateAndStore(w.qkv, w.rows, rotary, tensors.headNorms(layer), cache, 0));
    for (int from = 0; from < w.qkv.rows(); from += ATTENDING) {
      int first = from;
      int to = Math.min(w.qkv.rows(), from + ATTENDING);
      add(
          () ->
              ops.attend(
                  w.qkv.rowRange(first, to),
                  w.rows.range(first, to),
                  cache,
                  0,
                  w.attended.rowRange(first, to)));
    }
    addProduct(tensors.projection(layer, Projection.O), w.attended, w.delta, 0);
    if (config.outputBias()) {
      addBias(w.delta, layer, Projection.O);
    }
    add(() -> ops.add(w.residual, w.delta));
  }

  private void addFeedForward(int layer, Work w) {
    add(() -> norm(w.residual, tensors.feedForwardNorm(layer), w.normed));
    addProduct(tensors.projection(layer, Projection.GATE), w.normed, w.gateUp, 0);
    addProduct(tensors.projection(layer, Projection.UP), w.normed, w.gateUp, config.feedForward());
    if (config.feedForwardBias()) {
      addBias(w.gateUp, layer, Projection.GATE, Projection.UP);
    }
    add(() -> ops.swiglu(w.gateUp, w.activated));
    addProduct(tensors.projection(layer, Projection.DOWN), w.activated, w.delta, 0);
    if (config.feedForwardBias()) {
      addBias(w.delta, layer, Projection.DOWN);
    }
    add(() -> ops.add(w.residual, w.delta));
  }

  private void addBias(Matrix y, int layer, Projection... projections) {
    add(() -> ops.addBias(y, tensors.bias(layer, projections)));
  }

  private void norm(Matrix x, float[] weight, Matrix y) {
    ops.rmsNorm(x, 0, x.rows(), weight, config.normEpsilon(), y);
  }

  /// `y[:, column ..) = x Wᵀ`, some outputs a piece.
  private void addProduct(StoredTensor weights, Matrix x, Matrix y, int column) {
    int outputs = weights.rows();
    long each = (long) x.rows() * x.cols();
    int piece = (int) Math.clamp(PIECE / each, 1, outputs);
    for (int from = 0; from < outputs; from += piece) {
      int first = from;
      int to = Math.min(outputs, from + piece);
      add(() -> product.run(x, weights::row, first, to, y, column + first));
    }
  }

  private void add(Runnable piece) {
    pieces.add(piece);
  }

  /// Starts with the logits after tokens `[from, to)` of the text, [#LOGITS] at most; there when
  /// [#advance] has returned false.
  void beginLogits(int from, int to) {
    Work w = work;
    if (w == null || !pieces.isEmpty() || to - from > LOGITS) {
      throw new IllegalStateException("the text is not through, or too many rows");
    }
    long used = workBytes(config, maxTokens) - (long) Float.BYTES * LOGITS * config.vocabulary();
    Matrix y =
        new Cut(region.bytes().slice(used, region.bytes().size() - used), to - from)
            .next(config.vocabulary());
    Matrix x = w.normed.firstRows(to - from);
    add(() -> norm(w.residual.rowRange(from, to), tensors.finalNorm(), x));
    addProduct(tensors.head(), x, y, 0);
    logits = y;
  }

  /// Does one bounded piece.
  ///
  /// @return whether there is more to do
  public boolean advance() {
    Runnable piece = pieces.poll();
    if (piece == null) {
      throw new IllegalStateException("nothing is under way");
    }
    piece.run();
    return !pieces.isEmpty();
  }

  /// Of the rows that were asked for last: float32 `[rows, vocabulary]`.
  Matrix logits() {
    Matrix rows = logits;
    if (rows == null || !pieces.isEmpty()) {
      throw new IllegalStateException("the logits are not complete");
    }
    return rows;
  }

  /// Frees the memory.
  @Override
  public void close() {
    pieces.clear();
    region.close();
  }
}
