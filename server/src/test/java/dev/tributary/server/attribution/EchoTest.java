package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EchoTest {
  @Test
  void echo_isThatOfComparingEveryPlace() {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      int[] prompt = random.ints(random.nextInt(80), 0, 2).toArray();
      int[] answer = random.ints(random.nextInt(60), 0, 2).toArray();
      assertThat(Echo.of(prompt, answer)).as("round %d", round).isEqualTo(brute(prompt, answer));
    }
  }

  @Test
  void shortCopy_isNone() {
    int[] prompt = IntStream.range(0, 40).toArray();
    assertThat(Echo.of(prompt, IntStream.range(10, 10 + Echo.LEAST - 1).toArray()).isEmpty())
        .isTrue();
    assertThat(Echo.of(prompt, IntStream.range(10, 10 + Echo.LEAST).toArray()).cardinality())
        .isEqualTo(Echo.LEAST);
  }

  @Test
  void aSentencePastedAndRepeated_isEchoToItsEnd() {
    int[] prompt = {1, 2, 3, 50, 51, 52, 53, 54, 55, 56, 57, 58, 4, 5};
    int[] answer = {150, 51, 52, 53, 54, 55, 56, 57, 58, 9};
    assertThat(Echo.of(prompt, answer).cardinality()).isEqualTo(answer.length);
  }

  private static BitSet brute(int[] prompt, int[] answer) {
    BitSet echo = new BitSet();
    for (int from = 0; from < answer.length; from++) {
      for (int to = from + Echo.LEAST; to <= answer.length; to++) {
        for (int at = 0; at + to - from <= prompt.length; at++) {
          if (Arrays.equals(answer, from, to, prompt, at, at + to - from)) {
            echo.set(from, to);
          }
        }
      }
    }
    BitSet whole = (BitSet) echo.clone();
    for (int i = 0; i < answer.length; i++) {
      boolean before = !echo.get(i) && echo.get(i + 1);
      boolean end = i == answer.length - 1 && i > 0 && (echo.get(i - 1) || whole.get(i - 1));
      whole.set(i, echo.get(i) || before || end);
    }
    return whole;
  }
}
