package dev.tributary.server.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Which examples a step takes: a function of settings, data and step.
///
/// Every epoch is shuffled, then sorted by length in steps of [#BUCKET] tokens, so that the
/// examples of a batch are about as long; the batches come in random order.
final class Order {
  /// Tokens by which lengths may differ and count as equal.
  private static final int BUCKET = 6;

  private final List<Example> examples;
  private final int batchSize;
  private final long seed;

  private int epoch = -1;
  private List<List<Example>> batches = List.of();

  Order(List<Example> examples, int batchSize, long seed) {
    this.examples = examples;
    this.batchSize = batchSize;
    this.seed = seed;
  }

  /// Steps of one pass over the data.
  int stepsPerEpoch() {
    return Math.ceilDiv(examples.size(), batchSize);
  }

  /// @param step from 0
  List<Example> batch(int step) {
    int wanted = step / stepsPerEpoch();
    if (wanted != epoch) {
      batches = epoch(wanted);
      epoch = wanted;
    }
    return batches.get(step % stepsPerEpoch());
  }

  private List<List<Example>> epoch(int number) {
    Draw draw = new Draw(seed, Draw.Purpose.ORDER, number, 0);
    int[] order = IntStream.range(0, examples.size()).toArray();
    draw.shuffle(order);
    List<Example> sorted =
        Arrays.stream(order)
            .mapToObj(examples::get)
            .sorted(Comparator.comparingInt(example -> example.tokens().length / BUCKET))
            .toList();
    int[] starts = IntStream.range(0, stepsPerEpoch()).map(i -> i * batchSize).toArray();
    draw.shuffle(starts);
    List<List<Example>> all = new ArrayList<>(starts.length);
    for (int start : starts) {
      all.add(sorted.subList(start, Math.min(start + batchSize, sorted.size())));
    }
    return all;
  }
}
