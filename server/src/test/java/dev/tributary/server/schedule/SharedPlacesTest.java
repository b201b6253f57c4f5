package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SharedPlacesTest {
  @Test
  void aTenantAlone_getsSevenEighthsAndLeavesTheRest() {
    SharedPlaces places = new SharedPlaces(1024);
    assertThat(takeAll(places, "greedy")).isEqualTo(896);
    assertThat(places.take("late")).isTrue();
    assertThat(places.isFull()).isFalse();
  }

  @Test
  void whatBecomesFree_goesToThoseWhoHaveLess() {
    SharedPlaces places = new SharedPlaces(1024);
    assertThat(takeAll(places, "first")).isEqualTo(896);
    assertThat(takeAll(places, "second")).isEqualTo(112);
    for (int i = 0; i < 90; i++) {
      places.free("first");
      assertThat(places.take("first")).isFalse();
    }
    assertThat(takeAll(places, "late")).isEqualTo(93);
  }

  @Test
  void fewPlaces_canAllBeTaken() {
    SharedPlaces places = new SharedPlaces(3);
    assertThat(takeAll(places, "only")).isEqualTo(3);
    assertThat(places.isFull()).isTrue();
  }

  @Test
  void free_makesRoomForAnybody() {
    SharedPlaces places = new SharedPlaces(1);
    assertThat(places.take("a")).isTrue();
    assertThat(places.take("b")).isFalse();
    places.free("a");
    assertThat(places.take("b")).isTrue();
    assertThatThrownBy(() -> places.free("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anyOrder_keepsTheCountsRight() {
    Random random = new Random(5);
    SharedPlaces places = new SharedPlaces(50);
    Map<String, Integer> mine = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      String tenant = "tenant " + random.nextInt(4);
      int has = mine.getOrDefault(tenant, 0);
      if (random.nextInt(5) > 0) {
        boolean room = has < 7 * (50 - places.taken());
        assertThat(places.take(tenant)).isEqualTo(room);
        mine.put(tenant, room ? has + 1 : has);
      } else if (has > 0) {
        places.free(tenant);
        mine.put(tenant, has - 1);
      }
      assertThat(places.taken())
          .isEqualTo(mine.values().stream().mapToInt(Integer::intValue).sum())
          .isLessThanOrEqualTo(50);
    }
  }

  private static int takeAll(SharedPlaces places, String tenant) {
    int taken = 0;
    while (places.take(tenant)) {
      taken++;
    }
    return taken;
  }
}
