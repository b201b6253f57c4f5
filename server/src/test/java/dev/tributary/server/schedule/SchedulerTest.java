package dev.tributary.server.schedule;

import static dev.tributary.identity.ComputePath.NARROW;
import static dev.tributary.identity.ComputePath.WIDE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Four rows, 64 pages of 4 tokens, chunks of 8; the wide path from 6 rows on.
class SchedulerTest {
  private static final Limits LIMITS = new Limits(4, 100, 2, 20, 8, 8, 64, 4, 6);

  private final Scheduler scheduler = new Scheduler(LIMITS);

  @Test
  void plan_cutsPromptsAtMultiplesOfTheChunk() {
    add(1, Requests.of(19, 5).ofRepeatable());

    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8);
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8);
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(3);
    List<Plan.Slice> decode = step();
    assertThat(decode).extracting(Plan.Slice::position).containsExactly(19);
    assertThat(decode).extracting(Plan.Slice::promptTokens).containsExactly(0);
  }

  @Test
  void plan_givesAPromptSeveralChunksIfNobodyWaitsForThem() {
    add(1, Requests.of(50, 5));

    assertThat(step()).extracting(Plan.Slice::count).containsExactly(16);
    add(2, Requests.of(1, 5));
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(16, 1);
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(1, 8);
  }

  @Test
  void plan_placesDecodeRowsBeforePrompts() {
    add(1, Requests.of(60, 5));
    add(2, Requests.of(3, 5));
    step();

    assertThat(step()).extracting(Plan.Slice::id).containsExactly(2L, 1L);
  }

  @Test
  void plan_neverSplitsAChunkToFillTheBudget() {
    for (int id = 1; id <= 3; id++) {
      add(id, Requests.of(30, 5).ofRepeatable());
    }

    // 8 + 8 leave 4 of 20 tokens, and the third needs 8.
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8, 8);
  }

  @Test
  void plan_withoutStepDoneIsTheSameAgain() {
    add(1, Requests.of(10, 5));
    List<Plan.Slice> failed = scheduler.plan().slices();

    assertThat(scheduler.plan()).isEqualTo(new Plan(List.of(), failed));
  }

  @Test
  void plan_takesPagesAsTheyAreNeeded() {
    add(1, Requests.of(15, 100));
    step();
    assertThat(free()).isEqualTo(60);
    step(); // token 15
    assertThat(free()).isEqualTo(60);
    step();
    assertThat(free()).isEqualTo(59);
  }

  @Test
  void plan_admitsWhosePromptFitsBesideWhatRuns() {
    add(1, Requests.of(200, 50));
    add(2, Requests.of(60, 4));
    add(3, Requests.of(1, 1));

    // 1 will take 50 of 64 pages, and each gets one to grow; 2 needs 15. 3 must not overtake it.
    assertThat(scheduler.plan().admitted()).extracting(Sequence::id).containsExactly(1L);
    assertThat(scheduler.stats().waiting()).isEqualTo(2);
    scheduler.remove(1);
    assertThat(scheduler.plan().admitted()).extracting(Sequence::id).containsExactly(2L, 3L);
  }

  @Test
  void plan_withoutPagesPreemptsTheYoungestWhichThenComputesAgainByItsPaths() {
    Scheduler small = new Scheduler(new Limits(4, 100, 2, 20, 8, 8, 6, 4, 6));
    Sequence old = Requests.of(9, 15).sequence(1);
    Sequence young = Requests.of(5, 15).sequence(2);
    small.add(old);
    small.add(young);
    int steps = 0;
    while (small.stats().preemptions() == 0) {
      steps(small, 1);
      assertThat(++steps).isLessThan(20);
    }

    // 9 tokens and 5 in one step, by the wide path; then one each by the narrow.
    assertThat(young.computed()).isZero();
    assertThat(young.pages()).isEmpty();
    int known = young.length();
    assertThat(young.paths())
        .containsExactly(new PathRun(WIDE, 5), new PathRun(NARROW, known - 1 - 5));
    assertThat(small.stats().running()).isEqualTo(2);
    while (old.length() < old.maxLength()) {
      assertThat(steps(small, 1)).extracting(Plan.Slice::sequence).containsExactly(old);
    }
    small.remove(1);

    List<Plan.Slice> again = steps(small, 1);
    assertThat(again).hasSize(1);
    assertThat(again.getFirst().count()).isEqualTo(5);
    assertThat(again.getFirst().path()).isEqualTo(WIDE);
    assertThat(again.getFirst().logitsFrom()).isGreaterThanOrEqualTo(known - 1);
    int computed = 5;
    while (computed < known - 1) {
      Plan.Slice slice = steps(small, 1).getFirst();
      assertThat(slice.position()).isEqualTo(computed);
      assertThat(slice.path()).isEqualTo(NARROW);
      computed = slice.end();
    }
    assertThat(computed).isEqualTo(known - 1);
    assertThat(young.length()).isEqualTo(known);
    assertThat(steps(small, 1).getFirst().position()).isEqualTo(known - 1);
    assertThat(young.length()).isEqualTo(known + 1);
  }

  @Test
  void plan_takesPromptsWideAndTheFasterPathForTheRest() {
    add(1, Requests.of(3, 9));
    add(2, Requests.of(2, 9));
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(WIDE, WIDE);
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(NARROW, NARROW);
    add(3, Requests.of(3, 9));
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(NARROW, NARROW, WIDE);
    add(4, Requests.of(4, 9));
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(WIDE, WIDE, WIDE, WIDE);
    assertThat(step()).extracting(Plan.Slice::path).containsOnly(NARROW);
  }

  @Test
  void plan_ofRepeatableRowsTakesWidePromptsAndNarrowAnswersWhateverTheWidth() {
    Sequence repeatable = Requests.of(3, 9).ofRepeatable().sequence(1);
    scheduler.add(repeatable);
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(WIDE);
    add(2, Requests.of(6, 9));
    assertThat(step()).extracting(Plan.Slice::path).containsExactly(NARROW, WIDE);
    step();

    assertThat(repeatable.paths()).containsExactly(new PathRun(WIDE, 3), new PathRun(NARROW, 2));
  }

  @Test
  void plan_withoutAWidePathIsAllNarrow() {
    Scheduler narrow = new Scheduler(new Limits(4, 100, 2, 20, 8, 8, 64, 4, Integer.MAX_VALUE));
    narrow.add(Requests.of(30, 9).ofRepeatable().sequence(1));
    narrow.add(Requests.of(8, 9).sequence(2));

    assertThat(steps(narrow, 8)).extracting(Plan.Slice::path).containsOnly(NARROW);
  }

  @Test
  void plan_followsTheRunsOfARecord() {
    Sequence bound =
        Requests.of(10, 9)
            .paths(new PathRun(NARROW, 4), new PathRun(WIDE, 7), new PathRun(NARROW, 1))
            .sequence(1);
    scheduler.add(bound);
    List<Plan.Slice> slices = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      slices.addAll(step());
    }

    assertThat(slices).extracting(Plan.Slice::position).containsExactly(0, 4, 10, 11, 12);
    assertThat(slices)
        .extracting(Plan.Slice::path)
        .containsExactly(NARROW, WIDE, WIDE, NARROW, NARROW);
  }

  @Test
  void plan_admitsHigherClassesFirstAndOldestWithinOne() {
    add(1, Requests.of(1, 1).priority(Priority.LOW));
    add(2, Requests.of(1, 1));
    add(3, Requests.of(1, 1));
    add(4, Requests.of(1, 1).priority(Priority.HIGH));

    assertThat(scheduler.plan().admitted())
        .extracting(Sequence::id)
        .containsExactly(4L, 2L, 3L, 1L);
  }

  @Test
  void plan_underAStreamOfHigherClassesStillAdmitsTheLower() {
    Scheduler single = new Scheduler(new Limits(1, 100, 2, 20, 8, 8, 64, 4, 6));
    single.add(Requests.of(1, 1).priority(Priority.LOW).sequence(1000));
    single.add(Requests.of(1, 1).sequence(2000));
    List<Long> admitted = new ArrayList<>();
    for (long id = 0; id < 30; id++) {
      single.add(Requests.of(1, 1).priority(Priority.HIGH).sequence(id));
      for (Sequence now : single.plan().admitted()) {
        admitted.add(now.id());
        single.remove(now.id());
      }
    }

    assertThat(admitted.indexOf(2000L)).isEqualTo(8);
    assertThat(admitted.indexOf(1000L)).isEqualTo(9);
  }

  @Test
  void add_refusesWhatCannotFitOrIsThereAlready() {
    add(1, Requests.of(1, 1));

    assertThatThrownBy(() -> add(1, Requests.of(1, 1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> add(2, Requests.of(200, 57)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Requests.of(0, 5).sequence(2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void add_refusesMoreThanMayWait() {
    Scheduler small = new Scheduler(new Limits(1, 2, 2, 20, 8, 8, 64, 4, 6));
    small.add(Requests.of(1, 1).sequence(1));
    small.add(Requests.of(1, 1).sequence(2));

    assertThatThrownBy(() -> small.add(Requests.of(1, 1).sequence(3)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void remove_freesRowAndPages() {
    add(1, Requests.of(100, 20));
    add(2, Requests.of(50, 100));
    step();

    assertThat(scheduler.remove(1)).isTrue();
    assertThat(scheduler.remove(2)).isTrue();
    assertThat(scheduler.remove(2)).isFalse();
    assertThat(free()).isEqualTo(64);
    assertThat(scheduler.stats().running() + scheduler.stats().waiting()).isZero();
    assertThat(scheduler.plan().isEmpty()).isTrue();
  }

  @Test
  void limits_mustHoldAChunkBesideAllRowsAndCutAtPages() {
    assertThatThrownBy(() -> new Limits(4, 10, 2, 11, 8, 8, 64, 4, 6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("11 tokens");
    assertThatThrownBy(() -> new Limits(4, 10, 2, 20, 10, 10, 64, 4, 6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("10 tokens");
  }

  private void add(long id, Requests request) {
    scheduler.add(request.sequence(id));
  }

  private int free() {
    return scheduler.stats().freePages();
  }

  private List<Plan.Slice> step() {
    return steps(scheduler, 1);
  }

  /// Runs steps as an engine would whose model always says 7; returns the slices of all.
  static List<Plan.Slice> steps(Scheduler scheduler, int count) {
    List<Plan.Slice> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Plan.Slice> slices = scheduler.plan().slices();
      scheduler.stepDone(slices);
      for (Plan.Slice slice : slices) {
        if (slice.end() == slice.sequence().length()) {
          slice.sequence().append(7);
        }
      }
      all.addAll(slices);
    }
    return all;
  }
}
