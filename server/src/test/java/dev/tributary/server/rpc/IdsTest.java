package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class IdsTest {
  @Test
  void next_isAUuidOfVersionSeven_sortedByTime() {
    AtomicLong millis = new AtomicLong(1_700_000_000_000L);
    Ids ids = new Ids(() -> Instant.ofEpochMilli(millis.getAndIncrement()), new SecureRandom());
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      made.add(ids.next());
    }

    assertThat(made).doesNotHaveDuplicates().isSorted();
    for (String id : made) {
      assertThat(UUID.fromString(id).version()).isEqualTo(7);
      assertThat(UUID.fromString(id).variant()).isEqualTo(2);
    }
    assertThat(UUID.fromString(made.getFirst()).getMostSignificantBits() >>> 16)
        .isEqualTo(1_700_000_000_000L);
  }
}
