package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenCountsTest {
  private static final int TOKENS = 1000;

  @Test
  void penalise_afterManyDistinctTokens_countsEachOccurrence() {
    TokenCounts counts = new TokenCounts(new int[] {TOKENS});
    for (int round = 0; round < 3; round++) {
      for (int id = 0; id < TOKENS; id++) {
        counts.add(id);
      }
    }
    Matrix logits = Matrix.allocate(DType.F32, 1, TOKENS + 1);
    counts.penalise(
        logits, new Sampling(1, 0, 0, 1, 0, 1, 0.5f, 0.25f, 0, List.of(), Set.of(), Map.of()));
    for (int id = 0; id < TOKENS; id++) {
      assertThat(logits.get(0, id)).isEqualTo(-(3 * 0.25f + 0.5f));
    }
    assertThat(logits.get(0, TOKENS)).isZero();
  }
}
