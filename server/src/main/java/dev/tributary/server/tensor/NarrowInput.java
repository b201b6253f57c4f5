package dev.tributary.server.tensor;

/// The input of a [NarrowKernel]: rows in tiles of four, and their sums over each group of 32.
///
/// A tile is `[inputs][4]`, its sums `[groups][4]`; a single row is `[inputs]` and `[groups]`.
/// Places after the last row hold anything. Reused from product to product.
final class NarrowInput {
  private static final int TILE = NarrowKernel.TILE;
  private static final int GROUP = LinearWeights.GROUP;

  private int rows;
  private float[][] tiles = new float[0][];
  private float[][] sums = new float[0][];

  /// Takes `x` in, dealt to `team` by tiles.
  void take(Matrix x, Team team, Scratch[] scratches) {
    rows = x.rows();
    int width = rows == 1 ? 1 : TILE;
    int count = Math.ceilDiv(rows, width);
    if (tiles.length < count || tiles[0].length < x.cols() * width) {
      int longest = Math.max(x.cols() * width, tiles.length == 0 ? 0 : tiles[0].length);
      tiles = new float[Math.max(count, tiles.length)][longest];
      sums = new float[tiles.length][longest / GROUP];
    }
    team.forEach(count, (worker, tile) -> fill(x, tile, width, scratches[worker]));
  }

  private void fill(Matrix x, int tile, int width, Scratch scratch) {
    float[] values = tiles[tile];
    float[] row = width == 1 ? values : scratch.floats(x.cols());
    for (int i = 0; i < Math.min(width, rows - tile * width); i++) {
      ElementKernels.widen(x, tile * width + i, row);
      if (width > 1) {
        for (int k = 0; k < x.cols(); k++) {
          values[k * TILE + i] = row[k];
        }
      }
      for (int group = 0; group * GROUP < x.cols(); group++) {
        sums[tile][group * width + i] = sum(row, group * GROUP);
      }
    }
  }

  /// Four sums of every fourth, added pairwise.
  private static float sum(float[] row, int from) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    for (int k = from; k < from + GROUP; k += 4) {
      s0 += row[k];
      s1 += row[k + 1];
      s2 += row[k + 2];
      s3 += row[k + 3];
    }
    return (s0 + s1) + (s2 + s3);
  }

  int rows() {
    return rows;
  }

  float[] tile(int tile) {
    return tiles[tile];
  }

  float[] sums(int tile) {
    return sums[tile];
  }
}
