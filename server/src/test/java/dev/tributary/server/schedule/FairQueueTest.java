package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class FairQueueTest {
  private final FairQueue queue = new FairQueue();

  @Test
  void next_isOfTheTenantThatWasServedLeast() {
    add(1, "a");
    add(2, "a");
    add(3, "b");
    queue.charge("a", Request.DEFAULT_WEIGHT, 10);
    assertThat(admit()).isEqualTo(3);
    assertThat(admit()).isEqualTo(1);
  }

  @Test
  void charge_countsTheLessTheMoreATenantWeighs() {
    for (int id = 1; id <= 6; id++) {
      add(id, id % 2 == 0 ? "light" : "heavy");
    }
    queue.charge("heavy", 300, 290);
    queue.charge("light", Request.DEFAULT_WEIGHT, 100);

    assertThat(admit()).isEqualTo(1);
    queue.charge("heavy", 300, 30);
    assertThat(admit()).isEqualTo(2);
  }

  @Test
  void add_givesATenantNoCreditForItsAbsence() {
    add(1, "a");
    add(2, "a");
    queue.charge("a", Request.DEFAULT_WEIGHT, 100);
    add(3, "b");
    add(4, "b");
    // b starts where a is, not at 0: it gets one, not a hundred.
    assertThat(admit()).isEqualTo(1);
    queue.charge("a", Request.DEFAULT_WEIGHT, 1);
    assertThat(admit()).isEqualTo(3);
    queue.charge("b", Request.DEFAULT_WEIGHT, 2);
    assertThat(admit()).isEqualTo(2);
  }

  @Test
  void add_toAnEmptyQueueStartsWhereTheLastTenantLeft() {
    add(1, "a");
    queue.charge("a", Request.DEFAULT_WEIGHT, 100);
    admit();
    add(2, "b");
    add(3, "a");
    queue.charge("b", Request.DEFAULT_WEIGHT, 1);

    assertThat(admit()).isEqualTo(3);
  }

  @Test
  void next_passesOverATenantWhoseAdaptersHaveNoRoomButNotForEver() {
    add(1, "cold");
    for (int id = 10; id < 30; id++) {
      add(id, "warm");
    }
    List<Long> admitted = new ArrayList<>();
    queue.charge("warm", Request.DEFAULT_WEIGHT, 1);
    Sequence next = queue.next(sequence -> sequence.id() != 1);
    while (next != null) {
      queue.admit(next);
      admitted.add(next.id());
      next = queue.next(sequence -> sequence.id() != 1);
    }

    assertThat(admitted).hasSize(FairQueue.MAX_PASSES);
    assertThat(queue.size()).isEqualTo(13);
    assertThat(admit()).isEqualTo(1);
    assertThat(admit()).isEqualTo(18);
  }

  @Test
  void remove_forgetsWhatNoLongerWaits() {
    Sequence one = add(1, "a");
    assertThat(queue.remove(one)).isTrue();
    assertThat(queue.remove(one)).isFalse();
    assertThat(queue.next(sequence -> true)).isNull();
    assertThat(queue.size()).isZero();
  }

  private Sequence add(long id, String tenant) {
    Sequence sequence = Requests.of(1, 1).tenant(tenant).sequence(id);
    queue.add(sequence);
    return sequence;
  }

  private long admit() {
    Sequence next = Objects.requireNonNull(queue.next(sequence -> true));
    queue.admit(next);
    return next.id();
  }
}
