package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Causal attention over pages (Kwon et al. 2023), in blocks of tokens whose softmax is taken alone
/// and merged (Milakov and Gimelshein 2018, as in FlashAttention).
///
/// Blocks are cut at fixed positions of a sequence and merged in their order, so a row's bits
/// depend on its position alone. Queries of one run of rows that share a key and value head read
/// keys and values together, while they are in cache: the heads of a group when decoding, those of
/// several tokens in prefill.
final class AttentionKernel {
  /// Tokens whose weights are computed together: keys and values of a block fit a core's cache.
  static final int BLOCK = 256;

  /// Rows of one sequence that go through a block together.
  private static final int RUN = 8;

  private static final int PAGES = BLOCK / KvCache.PAGE;

  /// A query's state is the sum of its weights, its largest score, then its output, `[dim]`.
  private static final int HEADER = 2;

  private final Matrix qkv;
  private final Rows rows;
  private final KvCache cache;
  private final AttentionShape shape;
  private final int layer;
  private final List<Run> runs = new ArrayList<>();
  private final int mostBlocks;

  /// Rows `[row, row + rows)`, all of one sequence.
  private record Run(int row, int rows) {}

  AttentionKernel(Matrix qkv, Rows rows, KvCache cache, int layer) {
    this.qkv = qkv;
    this.rows = rows;
    this.cache = cache;
    this.shape = cache.shape();
    this.layer = layer;
    int longest = 0;
    for (int row = 0; row < rows.count(); ) {
      int from = row++;
      while (row < rows.count() && row < from + RUN && follows(row)) {
        row++;
      }
      runs.add(new Run(from, row - from));
    }
    for (int position : rows.positions()) {
      longest = Math.max(longest, position + 1);
    }
    mostBlocks = Math.ceilDiv(longest, BLOCK);
  }

  /// Whether `row` is of the sequence of the row before it, and later in it.
  private boolean follows(int row) {
    return rows.pages()[row] == rows.pages()[row - 1]
        && rows.positions()[row] > rows.positions()[row - 1];
  }

  /// Pairs of a run and a key and value head, the last rows first: they have the most to do.
  int items() {
    return runs.size() * shape.kvHeads();
  }

  /// Blocks of the longest row.
  int blocks() {
    return mostBlocks;
  }

  /// Floats that the states of all blocks of all items take.
  int states() {
    return items() * mostBlocks * stride();
  }

  private int group() {
    return shape.heads() / shape.kvHeads();
  }

  /// Floats of the states of a run.
  private int stride() {
    return tiles(RUN) * AttentionTile.QUERIES * width();
  }

  private int tiles(int rowCount) {
    return Math.ceilDiv(rowCount * group(), AttentionTile.QUERIES);
  }

  private int width() {
    return HEADER + shape.headDim();
  }

  private Run run(int item) {
    return runs.get(runs.size() - 1 - item / shape.kvHeads());
  }

  /// All blocks of an item.
  void attend(int item, Matrix y, Scratch scratch) {
    Run run = run(item);
    float[] work = scratch.floats(queries(RUN) + 2 * stride() + AttentionTile.QUERIES * BLOCK);
    int merged = queries(RUN);
    int part = merged + stride();
    load(run, item % shape.kvHeads(), work);
    int blocks = Math.ceilDiv(length(run, run.rows * group() - 1), BLOCK);
    for (int block = 0; block < blocks; block++) {
      block(run, item % shape.kvHeads(), block, work, work, part, part + stride(), scratch);
      merge(run, block, work, part, work, merged);
    }
    store(run, item % shape.kvHeads(), work, merged, y);
  }

  /// First of two passes that deal blocks: one block of an item.
  void block(int item, int block, float[] states, Scratch scratch) {
    Run run = run(item);
    if (block * BLOCK < length(run, run.rows * group() - 1)) {
      float[] work = scratch.floats(queries(RUN) + AttentionTile.QUERIES * BLOCK);
      load(run, item % shape.kvHeads(), work);
      int to = (item * mostBlocks + block) * stride();
      block(run, item % shape.kvHeads(), block, work, states, to, queries(RUN), scratch);
    }
  }

  /// Second pass: merges the blocks of an item.
  void merge(int item, float[] states, Matrix y) {
    Run run = run(item);
    int merged = item * mostBlocks * stride();
    for (int block = 1; block < mostBlocks; block++) {
      merge(run, block, states, merged + block * stride(), states, merged);
    }
    store(run, item % shape.kvHeads(), states, merged, y);
  }

  /// Floats that the queries of a run take.
  private int queries(int rowCount) {
    return tiles(rowCount) * AttentionTile.QUERIES * shape.headDim();
  }

  /// Tokens that query `index` of a run attends to; places after the last query repeat it.
  private int length(Run run, int index) {
    return rows.positions()[run.row + place(run, index) / group()] + 1;
  }

  private int place(Run run, int index) {
    return Math.min(index, run.rows * group() - 1);
  }

  /// The run's queries, scaled, by tiles `[dim][QUERIES]` from `work[0]` on.
  private void load(Run run, int kv, float[] work) {
    int dim = shape.headDim();
    float scale = 1 / (float) Math.sqrt(dim);
    MemorySegment values = qkv.data().segment();
    for (int i = 0; i < tiles(run.rows) * AttentionTile.QUERIES; i++) {
      int query = place(run, i);
      int head = kv * group() + query % group();
      long from = qkv.offset(run.row + query / group(), head * dim);
      int q = AttentionTile.QUERIES;
      int to = i / q * q * dim + i % q;
      for (int d = 0; d < dim; d++) {
        work[to + d * q] = values.get(Bytes.FLOAT, from + 4L * d) * scale;
      }
    }
  }

  /// One block for all queries of a run; their states go to `states[to..]`.
  private void block(
      Run run, int kv, int block, float[] work, float[] states, int to, int scores, Scratch s) {
    int dim = shape.headDim();
    int from = block * BLOCK;
    long[] pages = pages(run, kv, from);
    int[] counts = new int[AttentionTile.QUERIES];
    int[] outs = new int[AttentionTile.QUERIES];
    for (int tile = 0; tile < tiles(run.rows); tile++) {
      int common = BLOCK;
      int most = 0;
      for (int q = 0; q < counts.length; q++) {
        int index = tile * counts.length + q;
        counts[q] = Math.clamp(length(run, index) - from, 0, BLOCK);
        outs[q] = to + index * width() + HEADER;
        common = Math.min(common, counts[q]);
        most = Math.max(most, counts[q]);
      }
      if (most == 0) {
        continue;
      }
      AttentionTile.scores(
          cache.keys().segment(), pages, most, work, tile * counts.length * dim, dim, work, scores);
      for (int q = 0; q < counts.length; q++) {
        int at = scores + q * BLOCK;
        AttentionTile.softmax(work, at, counts[q], s.lanes(), states, outs[q] - HEADER);
      }
      MemorySegment values = cache.values().segment();
      AttentionTile.weigh(values, pages, common, work, scores, dim, states, outs);
      for (int q = 0; q < counts.length; q++) {
        int at = scores + q * BLOCK;
        AttentionTile.weighOne(values, pages, common, counts[q], work, at, dim, states, outs[q]);
      }
    }
  }

  /// Byte offsets of the pages of the block that begins at token `from`, as far as the run reaches.
  private long[] pages(Run run, int kv, int from) {
    int end = length(run, run.rows * group() - 1);
    int count = Math.min(PAGES, Math.ceilDiv(end - from, KvCache.PAGE));
    long[] offsets = new long[count];
    for (int i = 0; i < count; i++) {
      offsets[i] = cache.offset(layer, rows.pages()[run.row][from / KvCache.PAGE + i], kv);
    }
    return offsets;
  }

  /// Merges the states of `block` into those of the blocks before it.
  private void merge(Run run, int block, float[] parts, int part, float[] states, int to) {
    for (int i = 0; i < run.rows * group(); i++) {
      if (block * BLOCK >= length(run, i)) {
        continue;
      }
      int from = part + i * width();
      int into = to + i * width();
      if (block == 0) {
        System.arraycopy(parts, from, states, into, width());
        continue;
      }
      float largest = Math.max(states[into + 1], parts[from + 1]);
      float old = Lanes.exp(states[into + 1] - largest);
      float added = Lanes.exp(parts[from + 1] - largest);
      states[into] = Math.fma(parts[from], added, states[into] * old);
      states[into + 1] = largest;
      for (int d = HEADER; d < width(); d++) {
        states[into + d] = Math.fma(parts[from + d], added, states[into + d] * old);
      }
    }
  }

  /// Outputs, divided by the sums of their weights, to `y`.
  private void store(Run run, int kv, float[] states, int from, Matrix y) {
    int dim = shape.headDim();
    for (int i = 0; i < run.rows * group(); i++) {
      int at = from + i * width();
      for (int d = 0; d < dim; d++) {
        states[at + HEADER + d] /= states[at];
      }
      long to = y.offset(run.row + i / group(), (kv * group() + i % group()) * dim);
      MemorySegment.copy(states, at + HEADER, y.data().segment(), Bytes.FLOAT, to, dim);
    }
  }
}
