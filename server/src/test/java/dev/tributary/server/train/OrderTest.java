package dev.tributary.server.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class OrderTest {
  private final List<Example> examples = Runs.examples(203, 1);

  @Test
  void batch_everyEpoch_hasEveryExampleOnce() {
    Order order = new Order(examples, 16, 5);
    assertThat(order.stepsPerEpoch()).isEqualTo(13);
    for (int epoch = 0; epoch < 3; epoch++) {
      List<Example> seen = new ArrayList<>();
      for (int i = 0; i < 13; i++) {
        List<Example> batch = order.batch(13 * epoch + i);
        seen.addAll(batch);
        int[] buckets =
            batch.stream().mapToInt(each -> each.tokens().length / 6).sorted().toArray();
        assertThat(buckets[buckets.length - 1] - buckets[0]).isLessThanOrEqualTo(1);
      }
      assertThat(seen).hasSize(203);
      assertThat(new HashSet<>(seen)).isEqualTo(new HashSet<>(examples));
    }
  }

  @Test
  void batch_ofAStep_dependsOnNoStepBefore() {
    Order all = new Order(examples, 16, 5);
    List<List<Example>> batches = new ArrayList<>();
    for (int step = 0; step < 39; step++) {
      batches.add(all.batch(step));
    }
    for (int step : new int[] {38, 0, 20, 13, 12}) {
      assertThat(new Order(examples, 16, 5).batch(step)).isEqualTo(batches.get(step));
      assertThat(all.batch(step)).isEqualTo(batches.get(step));
    }
    assertThat(batches.subList(0, 13)).isNotEqualTo(batches.subList(13, 26));
    assertThat(new Order(examples, 16, 6).batch(0)).isNotEqualTo(batches.get(0));
  }
}
