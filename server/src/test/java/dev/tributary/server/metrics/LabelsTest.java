package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LabelsTest {
  @Test
  void of_firstUsed_keepTheirOwn() {
    Labels labels = new Labels(3, 2, 2);

    assertThat(labels.of("a", "a/x")).isEqualTo(new Labels.Pair("a", "a/x"));
    assertThat(labels.of("a", "a/y")).isEqualTo(new Labels.Pair("a", "a/y"));
    assertThat(labels.of("a", "a/z")).as("a's third").isEqualTo(new Labels.Pair("a", "other"));
    assertThat(labels.of("b", "b/x")).isEqualTo(new Labels.Pair("b", "b/x"));
    assertThat(labels.of("b", "b/y")).as("the fourth").isEqualTo(new Labels.Pair("b", "other"));
    assertThat(labels.of("c", "c/x"))
        .as("third tenant")
        .isEqualTo(new Labels.Pair("other", "other"));
    assertThat(labels.of("a", "a/x")).as("still").isEqualTo(new Labels.Pair("a", "a/x"));
  }

  @Test
  void of_anyNames_staysWithinTheBound() {
    Random random = new Random(1);
    for (int round = 0; round < 50; round++) {
      int pairs = 1 + random.nextInt(20);
      int tenants = 1 + random.nextInt(6);
      Labels labels = new Labels(pairs, tenants, 1 + random.nextInt(10));
      Set<Labels.Pair> seen = new HashSet<>();
      for (int i = 0; i < 2_000; i++) {
        seen.add(labels.of("t" + random.nextInt(30), "a" + random.nextInt(100)));
      }
      assertThat(seen).hasSizeLessThanOrEqualTo(pairs + tenants + 1);
      assertThat(seen.stream().map(Labels.Pair::tenant).distinct().count())
          .isLessThanOrEqualTo(tenants + 1);
      assertThat(seen).contains(new Labels.Pair("other", "other"));
    }
  }
}
