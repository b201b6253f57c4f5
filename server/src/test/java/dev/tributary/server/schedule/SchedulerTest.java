package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.schedule.Scheduler.Limits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SchedulerTest {
  private final Scheduler scheduler = new Scheduler(new Limits(4, 100, 20, 8, 64, 4));

  @Test
  void plan_cutsPromptsAtMultiplesOfTheChunk() {
    scheduler.add(1, Priority.NORMAL, 19, 5);

    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8);
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8);
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(3);
    List<Plan.Slice> decode = step();
    assertThat(decode).extracting(Plan.Slice::position).containsExactly(19);
    assertThat(decode.getFirst().decode()).isTrue();
  }

  @Test
  void plan_placesDecodeRowsBeforePrompts() {
    scheduler.add(1, Priority.NORMAL, 30, 5);
    scheduler.add(2, Priority.NORMAL, 3, 5);
    step();

    assertThat(step()).extracting(Plan.Slice::id).containsExactly(2L, 1L);
  }

  @Test
  void plan_neverSplitsAChunkToFillTheBudget() {
    scheduler.add(1, Priority.NORMAL, 30, 5);
    scheduler.add(2, Priority.NORMAL, 30, 5);
    scheduler.add(3, Priority.NORMAL, 30, 5);

    // 8 + 8 leave 4 of 20 tokens, and the third needs 8.
    assertThat(step()).extracting(Plan.Slice::count).containsExactly(8, 8);
  }

  @Test
  void plan_withoutStepDoneIsTheSameAgain() {
    scheduler.add(1, Priority.NORMAL, 10, 5);
    List<Plan.Slice> failed = scheduler.plan().slices();

    assertThat(scheduler.plan()).isEqualTo(new Plan(List.of(), failed));
  }

  @Test
  void plan_admitsOnlyWhatHasPagesForPromptAndAnswer() {
    scheduler.add(1, Priority.NORMAL, 100, 100);
    scheduler.add(2, Priority.NORMAL, 30, 30);
    scheduler.add(3, Priority.NORMAL, 1, 1);

    assertThat(scheduler.plan().admitted()).containsExactly(1L);
    // 50 of 64 pages are taken; 2 needs 15. 3 would fit but must not overtake it.
    assertThat(scheduler.freePages()).isEqualTo(14);
    assertThat(scheduler.waiting()).isEqualTo(2);
    scheduler.remove(1);
    assertThat(scheduler.plan().admitted()).containsExactly(2L, 3L);
  }

  @Test
  void plan_admitsHigherClassesFirstAndOldestWithinOne() {
    scheduler.add(1, Priority.LOW, 1, 1);
    scheduler.add(2, Priority.NORMAL, 1, 1);
    scheduler.add(3, Priority.NORMAL, 1, 1);
    scheduler.add(4, Priority.HIGH, 1, 1);

    assertThat(scheduler.plan().admitted()).containsExactly(4L, 2L, 3L, 1L);
  }

  @Test
  void plan_underAStreamOfHigherClassesStillAdmitsTheLower() {
    Scheduler single = new Scheduler(new Limits(1, 100, 20, 8, 64, 4));
    single.add(1000, Priority.LOW, 1, 1);
    single.add(2000, Priority.NORMAL, 1, 1);
    List<Long> admitted = new ArrayList<>();
    for (long id = 0; id < 30; id++) {
      single.add(id, Priority.HIGH, 1, 1);
      List<Long> now = single.plan().admitted();
      now.forEach(single::remove);
      admitted.addAll(now);
    }

    assertThat(admitted.indexOf(2000L)).isEqualTo(8);
    assertThat(admitted.indexOf(1000L)).isEqualTo(9);
  }

  @Test
  void add_refusesWhatCannotFitOrIsThereAlready() {
    scheduler.add(1, Priority.NORMAL, 1, 1);

    assertThatThrownBy(() -> scheduler.add(1, Priority.NORMAL, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.add(2, Priority.NORMAL, 200, 57))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.add(2, Priority.NORMAL, 0, 5))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void add_refusesMoreThanMayWait() {
    Scheduler small = new Scheduler(new Limits(1, 2, 20, 8, 64, 4));
    small.add(1, Priority.NORMAL, 1, 1);
    small.add(2, Priority.NORMAL, 1, 1);

    assertThatThrownBy(() -> small.add(3, Priority.NORMAL, 1, 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void remove_freesRowAndPages() {
    scheduler.add(1, Priority.NORMAL, 100, 100);
    scheduler.add(2, Priority.NORMAL, 100, 100);
    step();

    assertThat(scheduler.remove(1)).isTrue();
    assertThat(scheduler.remove(2)).isTrue();
    assertThat(scheduler.remove(2)).isFalse();
    assertThat(scheduler.freePages()).isEqualTo(64);
    assertThat(scheduler.running() + scheduler.waiting()).isZero();
    assertThat(scheduler.plan().isEmpty()).isTrue();
  }

  @Test
  void plan_pastTheMostTokensIsABug() {
    scheduler.add(1, Priority.NORMAL, 2, 1);
    step();
    step();

    assertThatThrownBy(scheduler::plan).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void limits_mustHoldAChunkBesideAllRows() {
    assertThatThrownBy(() -> new Limits(4, 10, 11, 8, 64, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("11 tokens");
  }

  private List<Plan.Slice> step() {
    List<Plan.Slice> slices = scheduler.plan().slices();
    scheduler.stepDone(slices);
    return slices;
  }
}
