package dev.tributary.server.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.server.model.Projection;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RunSettingsTest {
  static Stream<Arguments> invalid() {
    return Stream.of(
        bad("rank", "is 0, must be between 1 and 1024", () -> lora(0, 1)),
        bad("rank", "is 1025, must be between 1 and 1024", () -> lora(1025, 1)),
        bad("alpha", "is 0.0, must be finite and above 0", () -> lora(1, 0)),
        bad("alpha", "is NaN, must be finite and above 0", () -> lora(1, Float.NaN)),
        bad(
            "target_modules",
            "has \"proj\", which no linear layer's name ends in",
            () -> new LoraShape(1, 1, false, List.of("q_proj", "proj"))),
        bad("learning_rate", "is 0.0, must be above 0", () -> rate(0, 1, 0)),
        bad("learning_rate", "is NaN, must be above 0", () -> rate(Double.NaN, 1, 0)),
        bad("epochs", "is 0, must be between 1 and 10000", () -> rate(1e-3, 0, 0)),
        bad("max_steps", "is -1, must be between 0", () -> rate(1e-3, 1, -1)),
        bad(
            "clip_norm",
            "is Infinity, must be finite",
            () -> new Optimization(1e-3, 1, 0, 1, 0, Double.POSITIVE_INFINITY, 0, 0)),
        bad(
            "batch_size",
            "is 5000, must be between 1 and 4096",
            () -> new Optimization(1e-3, 1, 0, 5000, 0, 1, 0, 0)),
        bad(
            "weight_decay",
            "is 1.0, must be in [0, 1)",
            () -> new Optimization(1e-3, 1, 0, 1, 0, 1, 1, 0)),
        bad("max_example_tokens", "is 1, must be between 2", () -> settings(1, 0)),
        bad("held_out_share", "is 1.0, must be in [0, 1)", () -> settings(2, 1)),
        bad("dropout", "is 0.1, must be 0", () -> RunSettings.requireNoDropout(0.1)));
  }

  private static Arguments bad(String field, String message, ThrowingCallable call) {
    return Arguments.of(field, message, call);
  }

  private static void lora(int rank, float alpha) {
    assertThat(new LoraShape(rank, alpha, false, List.of())).isNull();
  }

  private static void rate(double rate, int epochs, int steps) {
    assertThat(new Optimization(rate, epochs, steps, 1, 0, 1, 0, 0)).isNull();
  }

  private static void settings(int tokens, double share) {
    assertThat(new RunSettings(LoraShape.DEFAULT, Optimization.DEFAULT, tokens, share, 0)).isNull();
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void new_outOfRange_namesTheField(String field, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidSettingException.class, e -> assertThat(e.field()).isEqualTo(field))
        .hasMessageStartingWith(field + " " + message);
  }

  @Test
  void scaling_isAlphaByRankOrItsRoot() {
    assertThat(new LoraShape(16, 32, false, List.of()).scaling()).isEqualTo(2);
    assertThat(new LoraShape(16, 32, true, List.of()).scaling()).isEqualTo(8);
  }

  @Test
  void projections_ofSuffixes_areTheLayersThatEndInThem() {
    assertThat(new LoraShape(1, 1, false, List.of("mlp.up_proj", "q_proj")).projections())
        .containsExactly(Projection.Q, Projection.UP);
    assertThat(LoraShape.DEFAULT.projections()).containsExactly(Projection.values());
    assertThat(LoraShape.DEFAULT.forms(Runs.SHAPE)).hasSize(7);
  }

  @Test
  void rate_isThePeers() {
    // lr * min(1, (s + 1) / 5) * 0.5 * (1 + cos(pi s / steps)), computed in Python for 220 steps.
    Optimization o = Optimization.DEFAULT;
    assertThat(o.rate(0, 220)).isEqualTo(2e-4, within(1e-12));
    assertThat(o.rate(3, 220)).isEqualTo(7.996330047293583e-4, within(1e-15));
    assertThat(o.rate(110, 220)).isEqualTo(5e-4, within(1e-12));
    assertThat(o.rate(219, 220)).isEqualTo(5.0978495283349194e-08, within(1e-15));
  }

  @Test
  void steps_endWithTheEpochsOrBefore() {
    assertThat(Optimization.DEFAULT.steps(352)).isEqualTo(8 * 22);
    assertThat(Optimization.DEFAULT.steps(353)).isEqualTo(8 * 23);
    assertThat(new Optimization(1e-3, 8, 100, 16, 5, 1, 0, 0).steps(353)).isEqualTo(100);
  }

  @Test
  void member_holdsOutAShare() {
    RunSettings settings = new RunSettings(LoraShape.DEFAULT, Optimization.DEFAULT, 100, 0.25, 3);
    List<Example> examples = Runs.examples(20, 1);
    Member member = Member.of("m", settings, examples);
    assertThat(member.heldOut()).hasSize(5).isEqualTo(Member.of("m", settings, examples).heldOut());
    assertThat(member.training()).hasSize(15).doesNotContainAnyElementsOf(member.heldOut());
    assertThat(Member.of("m", settings.withSeed(4), examples).heldOut())
        .isNotEqualTo(member.heldOut());
    assertThatThrownBy(() -> Member.of("m", settings, examples.subList(0, 1)))
        .hasMessage("held_out_share is 0.25, which leaves none of 1");
  }

  @Test
  void member_endingEarlyByNothing_isRefused() {
    Optimization early = new Optimization(1e-3, 1, 0, 4, 0, 1, 0, 2);
    RunSettings settings = new RunSettings(LoraShape.DEFAULT, early, 100, 0, 3);
    assertThatThrownBy(() -> Member.of("m", settings, Runs.examples(4, 1)))
        .hasMessage("patience is 2, but no examples are held out to end early by");
  }
}
