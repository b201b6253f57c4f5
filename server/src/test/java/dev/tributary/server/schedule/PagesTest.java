package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PagesTest {
  private final PrefixCache cache = new PrefixCache(5, 4, 8);
  private final Pages pages = new Pages(5, cache);

  @Test
  void take_givesDistinctPagesUntilNoneIsLeft() {
    Set<Integer> taken = new TreeSet<>();
    for (int i = 0; i < 5; i++) {
      taken.add(pages.take());
    }

    assertThat(taken).containsExactly(0, 1, 2, 3, 4);
    assertThat(pages.available()).isZero();
    assertThatThrownBy(pages::take).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void giveBack_makesPagesAvailableWhenTheLastHolderDoes() {
    int page = pages.take();
    pages.share(page);
    pages.giveBack(new int[] {page});
    assertThat(pages.isHeld(page)).isTrue();
    assertThat(pages.available()).isEqualTo(4);
    pages.giveBack(new int[] {page});

    assertThat(pages.isHeld(page)).isFalse();
    assertThat(pages.available()).isEqualTo(5);
  }

  @Test
  void giveBack_tooOftenIsABug() {
    int[] taken = {pages.take()};
    pages.giveBack(taken);

    assertThatThrownBy(() -> pages.giveBack(taken)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void take_evictsWhatWasUnusedLongestAndWithinASequenceFromItsEnd() {
    int[] first = {block(1), block(2)};
    int[] second = {block(3), block(4)};
    pages.giveBack(second);
    pages.giveBack(first);
    assertThat(cache.idle()).isEqualTo(4);
    assertThat(pages.available()).isEqualTo(5);
    pages.take(); // the free one

    assertThat(pages.take()).isEqualTo(second[1]);
    assertThat(pages.take()).isEqualTo(second[0]);
    assertThat(pages.take()).isEqualTo(first[1]);
    assertThat(cache.idle()).isOne();
  }

  @Test
  void share_keepsAnIdlePageFromBeingEvicted() {
    int kept = block(1);
    pages.giveBack(new int[] {kept});
    pages.share(kept);

    for (int i = 0; i < 4; i++) {
      assertThat(pages.take()).isNotEqualTo(kept);
    }
    assertThat(pages.available()).isZero();
  }

  /// A page of its own that the cache knows.
  private int block(int token) {
    int page = pages.take();
    cache.offer(new Block(page, Hash.of("block " + token), 0, false));
    return page;
  }
}
