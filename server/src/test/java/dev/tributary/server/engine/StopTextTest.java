package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopTextTest {
  @Test
  void push_withoutStopsLetsAllThrough() {
    StopText text = new StopText(List.of());

    assertThat(text.push("a")).isEqualTo("a");
    assertThat(text.flush()).isEmpty();
  }

  @Test
  void push_findsAStopAcrossPieces() {
    StopText text = new StopText(List.of("STOP"));

    assertThat(text.push("go S")).isEqualTo("go ");
    assertThat(text.push("TO")).isEmpty();
    assertThat(text.push("P and more")).isEmpty();
    assertThat(text.matched()).isTrue();
    assertThat(text.flush()).isEmpty();
  }

  @Test
  void push_releasesWhatTurnsOutNotToBeAStop() {
    StopText text = new StopText(List.of("STOP"));

    assertThat(text.push("STO")).isEmpty();
    assertThat(text.push("STx")).isEqualTo("STOSTx");
    assertThat(text.push("S")).isEmpty();
    assertThat(text.flush()).isEqualTo("S");
    assertThat(text.matched()).isFalse();
  }

  @Test
  void push_cutsBeforeTheLongestStopThatEndsFirst() {
    StopText text = new StopText(List.of("b", "ab", "abc"));

    assertThat(text.push("xabc")).isEqualTo("x");
  }

  @Test
  void push_knowsStopsThatOverlapThemselves() {
    StopText text = new StopText(List.of("aab"));

    assertThat(text.push("aa") + text.push("aaab")).isEqualTo("aaa");
    assertThat(text.matched()).isTrue();
  }

  @Test
  void push_neverReleasesHalfACharacter() {
    StopText text = new StopText(List.of("😀!"));

    assertThat(text.push("a😀")).isEqualTo("a");
    assertThat(text.push("?")).isEqualTo("😀?");
  }

  @Test
  void push_yieldsTheSameTextHoweverThePiecesAreCut() {
    Random random = new Random(11);
    for (int round = 0; round < 5000; round++) {
      List<String> stops = new ArrayList<>();
      for (int i = 1 + random.nextInt(4); i > 0; i--) {
        stops.add(letters(random, 1 + random.nextInt(5)));
      }
      String whole = letters(random, random.nextInt(40));
      String expected = cut(whole, stops);
      StopText text = new StopText(stops);
      StringBuilder got = new StringBuilder();
      for (int at = 0; at < whole.length() && !text.matched(); ) {
        int end = Math.min(whole.length(), at + random.nextInt(6));
        got.append(text.push(whole.substring(at, end)));
        assertThat(expected).startsWith(got.toString());
        at = end;
      }
      got.append(text.flush());

      assertThat(got.toString()).isEqualTo(expected);
      assertThat(text.matched()).isEqualTo(stops.stream().anyMatch(whole::contains));
    }
  }

  /// The definition, slowly: the shortest beginning that ends with a stop, less the longest such.
  private static String cut(String whole, List<String> stops) {
    for (int end = 0; end <= whole.length(); end++) {
      String beginning = whole.substring(0, end);
      int longest =
          stops.stream().filter(beginning::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return beginning.substring(0, end - longest);
      }
    }
    return whole;
  }

  private static String letters(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(3)));
    }
    return text.toString();
  }
}
