package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SuffixArrayTest {
  @Test
  void order_isThatOfComparingAllSuffixes() {
    Random random = new Random(1);
    for (int round = 0; round < 3_000; round++) {
      int symbols = 1 + random.nextInt(round % 3 == 0 ? 2 : 20);
      int[] text = random.ints(random.nextInt(60), 0, symbols).toArray();
      assertThat(SuffixArray.of(text, symbols)).as(Arrays.toString(text)).isEqualTo(brute(text));
    }
  }

  @Test
  void order_ofRepeatsWithinRepeats_isRight() {
    // Stretches that are equal over several levels.
    int[] text = new int[600];
    for (int i = 0; i < text.length; i++) {
      text[i] = Integer.bitCount(i) % 3;
    }
    assertThat(SuffixArray.of(text, 3)).isEqualTo(brute(text));
    int[] periodic = IntStream.range(0, 500).map(i -> "abcabd".charAt(i % 6) - 'a').toArray();
    assertThat(SuffixArray.of(periodic, 4)).isEqualTo(brute(periodic));
  }

  private static int[] brute(int[] text) {
    return IntStream.range(0, text.length)
        .boxed()
        .sorted((a, b) -> Arrays.compare(text, a, text.length, text, b, text.length))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
