package dev.tributary.server.attribution;

import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// Scores of a version's clusters for an answer: kernel ridge regression over sketches of clusters
/// and decoys, `s = W B W k` with `B = (W K W + lambda I)^-1`, `k` the answer's cosines, and the
/// diagonal W: how much was learnt of a cluster, 1 for decoys. So what was not learnt explains
/// nothing, and takes nothing from those who have something like it.
///
/// A file is, in ints of the lowest byte first: magic, format, clusters, columns (clusters and
/// decoys), size of a sketch, 0; the columns' sketches, a byte a value, each filled up to whole
/// ints; of each cluster its weight and then its row of `B`, float32. Thread safe.
final class RidgeTable {
  /// "TRDG".
  private static final int MAGIC = 0x4744_5254;

  private static final int FORMAT = 1;
  private static final int HEADER = 24;
  private static final int CHUNK = 1 << 16;

  private final byte[][] sketches;
  private final long[] squares;
  private final float[] weights;

  /// Of the clusters alone.
  private final float[][] inverse;

  private RidgeTable(byte[][] sketches, float[] weights, float[][] inverse) {
    this.sketches = sketches;
    this.weights = weights;
    this.inverse = inverse;
    squares = new long[sketches.length];
    for (int i = 0; i < squares.length; i++) {
      squares[i] = Sketch.dot(sketches[i], 0, sketches[i]);
    }
  }

  /// A table and what a decoy can score in it.
  ///
  /// @param threshold the largest score that a decoy gets from a cluster that is left out of the
  ///   regression, times the cluster's weight; 0 if there is none
  record Fitted(RidgeTable table, double threshold) {}

  /// @param clusters at least one
  /// @param weights of the clusters, 0 to 1
  static Fitted fit(List<Sketch> clusters, List<Sketch> decoys, float[] weights, double lambda) {
    int real = clusters.size();
    int all = real + decoys.size();
    byte[][] sketches = new byte[all][];
    double[][] gram = new double[all][all];
    for (int i = 0; i < all; i++) {
      Sketch own = i < real ? clusters.get(i) : decoys.get(i - real);
      sketches[i] = own.values();
      for (int j = 0; j <= i; j++) {
        Sketch other = j < real ? clusters.get(j) : decoys.get(j - real);
        gram[i][j] = own.cosine(other) * scale(weights, i) * scale(weights, j);
        gram[j][i] = gram[i][j];
      }
    }
    double[][] inverse = Ridge.inverse(gram, lambda);
    double threshold = 0;
    float[][] rows = new float[real][all];
    for (int i = 0; i < real; i++) {
      for (int j = 0; j < all; j++) {
        rows[i][j] = (float) inverse[i][j];
        if (j >= real) {
          threshold = Math.max(threshold, -inverse[i][j] / inverse[i][i]);
        }
      }
    }
    return new Fitted(new RidgeTable(sketches, weights.clone(), rows), threshold);
  }

  /// Of a column: a decoy is whole.
  private static float scale(float[] weights, int column) {
    return column < weights.length ? weights[column] : 1;
  }

  int clusters() {
    return inverse.length;
  }

  /// Values of a sketch.
  int size() {
    return sketches[0].length;
  }

  /// Bytes in memory.
  long bytes() {
    return (long) sketches.length * (size() + 4L * clusters());
  }

  float weight(int cluster) {
    return weights[cluster];
  }

  /// Of each cluster.
  double[] scores(Sketch answer) {
    double[] cosines = new double[sketches.length];
    for (int i = 0; i < cosines.length; i++) {
      cosines[i] =
          scale(weights, i)
              * Sketch.cosine(
                  Sketch.dot(sketches[i], 0, answer.values()), squares[i], answer.squares());
    }
    double[] scores = new double[clusters()];
    for (int k = 0; k < scores.length; k++) {
      float[] row = inverse[k];
      double sum = 0;
      for (int i = 0; i < row.length; i++) {
        sum += row[i] * cosines[i];
      }
      scores[k] = weights[k] * sum;
    }
    return scores;
  }

  /// Of each column, decoys too, without weights: for whoever measures how good the scores are.
  double[] cosines(Sketch answer) {
    double[] cosines = new double[clusters()];
    for (int i = 0; i < cosines.length; i++) {
      cosines[i] =
          Sketch.cosine(Sketch.dot(sketches[i], 0, answer.values()), squares[i], answer.squares());
    }
    return cosines;
  }

  /// Writes the table; one that is there is replaced.
  void write(Path file) throws IOException {
    int width = Math.ceilDiv(size(), Integer.BYTES) * Integer.BYTES;
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer out =
          ByteBuffer.allocate(Math.max(CHUNK, Math.max(width, 4 + 4 * sketches.length)))
              .order(ByteOrder.LITTLE_ENDIAN);
      out.putInt(MAGIC).putInt(FORMAT).putInt(clusters()).putInt(sketches.length);
      flush(out.putInt(size()).putInt(0), channel);
      for (byte[] sketch : sketches) {
        flush(out.put(sketch).put(new byte[width - sketch.length]), channel);
      }
      for (int k = 0; k < clusters(); k++) {
        out.putFloat(weights[k]);
        for (float value : inverse[k]) {
          out.putFloat(value);
        }
        flush(out, channel);
      }
      channel.force(true);
    }
  }

  private static void flush(ByteBuffer out, FileChannel channel) throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      channel.write(out);
    }
    out.clear();
  }

  /// @throws IOException if the file is none
  static RidgeTable open(Path path) throws IOException {
    Bytes file = Bytes.map(path);
    if (file.size() < HEADER || file.getInt(0) != MAGIC || file.getInt(4) != FORMAT) {
      throw new IOException(path + " is no table of influence");
    }
    int clusters = file.getInt(8);
    int columns = file.getInt(12);
    int size = file.getInt(16);
    long width = Math.ceilDiv((long) size, Integer.BYTES) * Integer.BYTES;
    if (clusters < 1
        || columns < clusters
        || size < 1
        || file.size() != HEADER + columns * width + clusters * (4L + 4L * columns)) {
      throw new IOException(path + " is a table of influence of another length");
    }
    byte[][] sketches = new byte[columns][size];
    for (int i = 0; i < columns; i++) {
      file.get(HEADER + i * width, sketches[i], 0, size);
    }
    float[] weights = new float[clusters];
    float[][] inverse = new float[clusters][columns];
    long at = HEADER + columns * width;
    for (int k = 0; k < clusters; k++) {
      weights[k] = file.getFloat(at);
      at += Float.BYTES;
      for (int i = 0; i < columns; i++, at += Float.BYTES) {
        inverse[k][i] = file.getFloat(at);
      }
    }
    return new RidgeTable(sketches, weights, inverse);
  }
}
