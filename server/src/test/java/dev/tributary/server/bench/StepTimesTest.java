package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepTimesTest {
  private static final int ROWS = 2;

  private final StepTimes times = new StepTimes(new Nothing());

  private static List<Span> spans(int rows, int tokens) {
    List<Span> spans = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      spans.add(new Span(new int[tokens], 0, new int[] {row}, List.of(), ComputePath.NARROW, 0));
    }
    return spans;
  }

  /// A step, and a delta of each row.
  private void turn(int rows, int tokens) {
    times.run(spans(rows, tokens));
    for (int row = 0; row < rows; row++) {
      times.delta();
    }
  }

  @Test
  void shares_areOfDecodeStepsOfAllRows() {
    var begun = times.record(ROWS);
    turn(ROWS, 16); // prompts
    for (int i = 0; i < 3; i++) {
      turn(1, 1); // one row is not there yet
    }
    for (int i = 0; i < StepTimes.WARM_UP; i++) {
      turn(ROWS, 1);
    }
    assertThat(begun).isNotDone();
    for (int i = 0; i < 6; i++) {
      turn(ROWS, 1);
    }
    assertThat(begun).isDone();
    StepTimes.Shares shares = times.shares();
    // The last step has no next one that would end it.
    assertThat(shares.steps()).isEqualTo(5);
    assertThat(shares.outside()).isBetween(0.0, 1.0);
    assertThat(shares.step()).isGreaterThanOrEqualTo(shares.run());
  }

  @Test
  void shares_withoutSuchSteps_areAnError() {
    var unused = times.record(ROWS);
    turn(ROWS, 16);
    turn(1, 1);
    assertThatIllegalStateException().isThrownBy(times::shares);
  }

  private record Nothing() implements StepRunner {
    @Override
    public int maxTokens() {
      return 64;
    }

    @Override
    public int wideFrom() {
      return Integer.MAX_VALUE;
    }

    @Override
    public void claimThread() {}

    @Override
    public Matrix run(List<Span> spans) {
      return Matrix.allocate(DType.F32, 1, 1);
    }
  }
}
