package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {
  /// Known answers of Random123's kat_vectors for philox4x32, 10 rounds.
  @Test
  void block_matchesKnownAnswers() {
    assertThat(Philox.block(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(Philox.block(-1, -1, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(Philox.block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void uniform_isTheTop53BitsOfTheFirstTwoWords() {
    long bits = 0xe169c58d_6627e8d5L >>> 11;

    assertThat(Philox.uniform(0, 0)).isEqualTo(bits / 0x1p53);
  }

  @Test
  void uniform_dependsOnEveryBitOfSeedAndPosition() {
    Set<Double> seen = new HashSet<>();
    for (int bit = 0; bit < 64; bit++) {
      seen.add(Philox.uniform(1L << bit, 0));
    }
    for (int bit = 0; bit < 31; bit++) {
      seen.add(Philox.uniform(0, 1 << bit));
    }

    assertThat(seen).hasSize(95).allMatch(u -> u >= 0 && u < 1);
  }
}
