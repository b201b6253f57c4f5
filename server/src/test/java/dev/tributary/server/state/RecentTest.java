package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RecentTest {
  private final Recent<String, Integer> recent = new Recent<>();
  private final AtomicInteger stored = new AtomicInteger(1);

  private int read() {
    return recent.get("k", () -> Optional.of(stored.get())).orElseThrow();
  }

  @Test
  void get_remembersUntilAChange() {
    assertThat(read()).isEqualTo(1);
    stored.set(2);
    assertThat(read()).isEqualTo(1);
    recent.changed();
    assertThat(read()).isEqualTo(2);
  }

  @Test
  void get_thatReadBeforeAChange_isNotRememberedAfterIt() {
    int old =
        recent
            .get(
                "k",
                () -> {
                  int before = stored.getAndSet(2);
                  recent.changed();
                  return Optional.of(before);
                })
            .orElseThrow();
    assertThat(old).isEqualTo(1);
    assertThat(read()).isEqualTo(2);
  }

  @Test
  void get_ofNothing_isNotRemembered() {
    assertThat(recent.get("k", Optional::empty)).isEmpty();
    assertThat(read()).isEqualTo(1);
  }

  @Test
  void get_ofMany_isBounded() {
    read();
    stored.set(2);
    for (int i = 0; i < Recent.MAX; i++) {
      String key = "k" + i;
      recent.get(key, () -> Optional.of(0));
    }
    assertThat(read()).isEqualTo(2);
  }
}
