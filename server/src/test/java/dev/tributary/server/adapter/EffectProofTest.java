package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.model.LoraWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class EffectProofTest {
  private static final LoraWeights WEIGHTS = new LoraWeights(Map.of(), Map.of(), Map.of(), null, 1);

  @Test
  void require_oneLogitMoves_passes() {
    assertThatCode(() -> require(new float[] {1, 2, 3}, new float[] {1, 2, 3.0000002f}))
        .doesNotThrowAnyException();
  }

  @Test
  void require_sameLogits_refused() {
    assertThatThrownBy(() -> require(new float[] {1, 2}, new float[] {1, 2}))
        .isInstanceOf(AdapterException.class)
        .hasMessageContaining("no effect");
  }

  @Test
  void require_logitOverflows_refused() {
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      assertThatThrownBy(() -> require(new float[] {1, 2}, new float[] {1.5f, bad}))
          .isInstanceOf(AdapterException.class)
          .hasMessageContaining("token 1 becomes " + bad);
    }
  }

  @Test
  void require_asksForBaseAndAdapterTogether() {
    List<List<Integer>> asked = new ArrayList<>();
    Probe probe =
        uses -> {
          asked.add(uses.stream().map(List::size).toList());
          assertThat(uses.get(1).getFirst().weights()).isSameAs(WEIGHTS);
          assertThat(uses.get(1).getFirst().scale()).isEqualTo(1);
          return CompletableFuture.completedFuture(List.of(new float[] {1}, new float[] {2}));
        };
    new EffectProof(probe).require(WEIGHTS);
    assertThat(asked).containsExactly(List.of(0, 1));
  }

  private static void require(float[] without, float[] with) {
    new EffectProof(uses -> CompletableFuture.completedFuture(List.of(without, with)))
        .require(WEIGHTS);
  }
}
