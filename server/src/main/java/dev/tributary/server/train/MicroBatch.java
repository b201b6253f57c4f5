package dev.tributary.server.train;

import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import java.util.ArrayList;
import java.util.List;

/// Rows of one member that are in one pass together. Its losses are there after the pass.
final class MicroBatch {
  private final List<TrainingRow> rows;
  private final int tokens;
  private double[] losses = {};

  private MicroBatch(List<TrainingRow> rows, int tokens) {
    this.rows = List.copyOf(rows);
    this.tokens = tokens;
  }

  List<TrainingRow> rows() {
    return rows;
  }

  int tokens() {
    return tokens;
  }

  /// -ln p summed over the targets of each row.
  double[] losses() {
    return losses;
  }

  void losses(double[] computed) {
    losses = computed;
  }

  /// A row to be put into one.
  record Sequence(int[] tokens, int targetsFrom) {
    static Sequence of(Example example) {
      return new Sequence(example.tokens(), example.targetsFrom());
    }
  }

  /// Puts sequences, in their order, into as few of them as that order allows. How they are split
  /// depends on them and on `most` alone.
  ///
  /// @param weight of each target in the gradient
  /// @param most tokens of one
  static List<MicroBatch> split(
      List<Sequence> sequences, Trainable adapter, float weight, int most) {
    List<MicroBatch> all = new ArrayList<>();
    List<TrainingRow> rows = new ArrayList<>();
    int tokens = 0;
    for (Sequence sequence : sequences) {
      int length = sequence.tokens().length;
      if (length > most) {
        throw new IllegalArgumentException(length + " tokens in a row, the most is " + most);
      }
      if (tokens + length > most) {
        all.add(new MicroBatch(rows, tokens));
        rows.clear();
        tokens = 0;
      }
      rows.add(new TrainingRow(sequence.tokens(), sequence.targetsFrom(), adapter, weight));
      tokens += length;
    }
    if (!rows.isEmpty()) {
      all.add(new MicroBatch(rows, tokens));
    }
    return all;
  }

  /// The losses of all rows, in their order.
  static double sum(List<MicroBatch> batches) {
    double sum = 0;
    for (MicroBatch batch : batches) {
      for (double loss : batch.losses) {
        sum += loss;
      }
    }
    return sum;
  }
}
