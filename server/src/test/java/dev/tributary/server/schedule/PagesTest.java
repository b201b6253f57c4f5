package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PagesTest {
  @Test
  void take_givesDistinctPagesUntilNoneIsFree() {
    Pages pages = new Pages(5);
    int[] first = pages.take(2);
    int[] second = pages.take(3);

    assertThat(first).doesNotContain(second);
    assertThat(pages.free()).isZero();
    assertThatThrownBy(() -> pages.take(1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void giveBack_makesPagesFreeAgain() {
    Pages pages = new Pages(5);
    int[] first = pages.take(4);
    pages.giveBack(first);

    assertThat(pages.free()).isEqualTo(5);
    assertThat(pages.take(5)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
  }

  @Test
  void giveBack_twiceIsABug() {
    Pages pages = new Pages(5);
    int[] taken = pages.take(2);
    pages.giveBack(taken);

    assertThatThrownBy(() -> pages.giveBack(taken)).isInstanceOf(IllegalStateException.class);
  }
}
