package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class GamingFiguresTest {
  private static GamingRun.Outcome outcome(Map<String, Double> shares) {
    return new GamingRun.Outcome(shares, 0.5, 0.1, 3, 0.25);
  }

  @Test
  void line_ofSybils_addsUpTheirShares() {
    GamingFigures.Line line =
        GamingFigures.Line.of(
            "split",
            Set.of("eve"),
            Set.of("eve-0", "eve-1"),
            outcome(Map.of("eve", 0.1, "ann", 0.3)),
            outcome(Map.of("eve-0", 0.1, "eve-1", 0.05, "ann", 0.24)));

    assertThat(line.gain()).isCloseTo(1.5, within(1e-9));
    assertThat(line.credit()).isCloseTo(0.05 / 0.4, within(1e-9));
    assertThat(line.honest()).isCloseTo(0.8, within(1e-9));
  }

  @Test
  void text_ofSomebodyNew_hasNoGain() {
    GamingFigures.Line line =
        GamingFigures.Line.of(
            "new",
            Set.of(),
            Set.of("eve"),
            outcome(Map.of("ann", 0.4)),
            outcome(Map.of("eve", 0.004, "ann", 0.4)));

    assertThat(new GamingFigures("eve", 1, outcome(Map.of()), List.of(line)).text())
        .contains("+1.00%")
        .doesNotContain("Infinity");
  }
}
