package dev.tributary.server.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Four-bit weights packed for libtorch's `_weight_int4pack_mm`, each worker's columns apart.
///
/// libtorch packs blocks of columns in a layout of its own that differs by CPU. Packing decodes the
/// result again and compares every code, so that [#row] can read the packed bytes; where the layout
/// is none of the known ones the original codes are kept beside them, and [#form] says so.
final class Int4Linear implements Linear {
  private final int outputs;
  private final int inputs;
  private final Shard[] shards;
  private final LinearWeights.@Nullable Int4 kept;
  private final long bytes;

  /// Columns `[from, to)` of the product, which one worker computes.
  ///
  /// @param packed handle of the packed codes
  /// @param codes the packed codes' memory, `inputs * (to - from) / 2` bytes
  /// @param scalesAndZeros bfloat16 `[inputs / 32, to - from, 2]`
  /// @param parameters handle over `scalesAndZeros`
  record Shard(
      int from,
      int to,
      long packed,
      MemorySegment codes,
      Bytes scalesAndZeros,
      long parameters,
      Int4Layout layout) {}

  Int4Linear(Libtorch libtorch, LinearWeights.Int4 source, int workers) {
    outputs = source.outputs();
    inputs = source.inputs();
    int[] borders = borders(outputs, workers);
    shards = new Shard[borders.length - 1];
    for (int i = 0; i < shards.length; i++) {
      shards[i] = pack(libtorch, source, borders[i], borders[i + 1]);
    }
    boolean known = true;
    for (Shard shard : shards) {
      known &= shard.layout != Int4Layout.UNKNOWN;
    }
    kept = known ? null : source;
    bytes = source.bytes() + (known ? 0 : source.codes().size());
  }

  /// Whether libtorch's int4 matmul takes this shape; other shapes are held as bfloat16.
  static boolean fits(LinearWeights.Int4 weights) {
    return weights.outputs() % 16 == 0 && weights.inputs() % LinearWeights.GROUP == 0;
  }

  /// Column borders of the shards: whole blocks of 64 dealt evenly, none empty.
  static int[] borders(int outputs, int workers) {
    int blocks = (outputs + Int4Layout.BLOCK - 1) / Int4Layout.BLOCK;
    int shards = Math.min(blocks, workers);
    int[] borders = new int[shards + 1];
    for (int i = 1; i <= shards; i++) {
      borders[i] = Math.min(outputs, (int) ((long) blocks * i / shards) * Int4Layout.BLOCK);
    }
    return borders;
  }

  private Shard pack(Libtorch libtorch, LinearWeights.Int4 source, int from, int to) {
    int columns = to - from;
    int[] wide = codes(source, from, to);
    Bytes wideBytes = Bytes.allocate(4L * wide.length);
    MemorySegment.copy(wide, 0, wideBytes.segment(), Bytes.INT, 0, wide.length);
    long packed = libtorch.packInt4(wideBytes, columns, inputs);
    MemorySegment codes;
    try (Arena arena = Arena.ofConfined()) {
      codes =
          libtorch.data(packed, (long) columns * inputs / 2, arena.allocate(ValueLayout.ADDRESS));
    }
    int groups = inputs / LinearWeights.GROUP;
    Bytes parameters = Bytes.allocate(4L * columns * groups);
    for (int n = 0; n < columns; n++) {
      for (int g = 0; g < groups; g++) {
        long at = 2L * ((long) (from + n) * groups + g);
        long to4 = 4L * ((long) g * columns + n);
        parameters.putShort(to4, source.scales().getShort(at));
        parameters.putShort(to4 + 2, source.zeros().getShort(at));
      }
    }
    return new Shard(
        from,
        to,
        packed,
        codes,
        parameters,
        libtorch.scalesAndZeros(parameters, groups, columns),
        Int4Layout.of(codes, wide, columns, inputs));
  }

  /// Codes of outputs `[from, to)`, one an element.
  private static int[] codes(LinearWeights.Int4 source, int from, int to) {
    int inputs = source.inputs();
    byte[] pairs = new byte[(to - from) * inputs / 2];
    source.codes().get((long) from * inputs / 2, pairs, 0, pairs.length);
    int[] wide = new int[2 * pairs.length];
    for (int i = 0; i < pairs.length; i++) {
      wide[2 * i] = pairs[i] & 15;
      wide[2 * i + 1] = (pairs[i] >> 4) & 15;
    }
    return wide;
  }

  Int4Layout layout() {
    return shards[0].layout;
  }

  Shard[] shards() {
    return shards;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public int inputs() {
    return inputs;
  }

  @Override
  public String form() {
    return kept == null ? "int4" : "int4, codes kept twice";
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void row(int output, float[] row) {
    if (kept != null) {
      kept.row(output, row);
      return;
    }
    Shard shard = shards[0];
    for (int i = 1; output >= shard.to; i++) {
      shard = shards[i];
    }
    int columns = shard.to - shard.from;
    int n = output - shard.from;
    for (int k = 0; k < inputs; k++) {
      long at = 4L * ((long) (k / LinearWeights.GROUP) * columns + n);
      int code = shard.layout.code(shard.codes, columns, inputs, n, k);
      row[k] = (code - 8) * shard.scalesAndZeros.getBf16(at) + shard.scalesAndZeros.getBf16(at + 2);
    }
  }
}
