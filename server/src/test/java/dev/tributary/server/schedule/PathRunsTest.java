package dev.tributary.server.schedule;

import static dev.tributary.identity.ComputePath.NARROW;
import static dev.tributary.identity.ComputePath.WIDE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PathRunsTest {
  private final PathRuns runs =
      new PathRuns(List.of(new PathRun(WIDE, 5), new PathRun(NARROW, 2), new PathRun(NARROW, 1)));

  @Test
  void add_joinsWhatTakesTheSamePath() {
    runs.add(NARROW, 3);
    runs.add(WIDE, 1);

    assertThat(runs.first(100))
        .containsExactly(new PathRun(WIDE, 5), new PathRun(NARROW, 6), new PathRun(WIDE, 1));
    assertThat(runs.length()).isEqualTo(12);
  }

  @Test
  void at_isThePathOfAToken() {
    assertThat(runs.at(4)).isEqualTo(WIDE);
    assertThat(runs.at(5)).isEqualTo(NARROW);
    assertThat(runs.endOfRun(4)).isEqualTo(5);
    assertThat(runs.endOfRun(5)).isEqualTo(8);
    assertThatThrownBy(() -> runs.at(8)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> runs.endOfRun(8)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void first_cutsTheRunItEndsIn() {
    assertThat(runs.first(6)).containsExactly(new PathRun(WIDE, 5), new PathRun(NARROW, 1));
    assertThat(runs.first(5)).containsExactly(new PathRun(WIDE, 5));
    assertThat(runs.first(0)).isEmpty();
  }

  @Test
  void settled_isTheLastPathOnceThereIsNoRoomForMore() {
    PathRuns many = new PathRuns(List.of());
    for (int run = 0; run < PathRuns.MAX; run++) {
      assertThat(many.settled()).isNull();
      many.add(run % 2 == 0 ? WIDE : NARROW, 1);
    }
    assertThat(many.settled()).isEqualTo(NARROW);
    many.add(NARROW, 50);
    assertThat(many.first(10_000)).hasSize(PathRuns.MAX);
  }
}
