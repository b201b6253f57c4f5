package dev.tributary.server.attribution;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Tokens of an answer that repeat the prompt.
final class Echo {
  /// Tokens of a run that is one: shorter ones are left to the base share, since the base saw the
  /// same prompt.
  static final int LEAST = 8;

  private Echo() {}

  /// Tokens of `answer` within a run of [#LEAST] at least that stands in `prompt` in this order,
  /// the one before such a run, whose token differs if a space is before it in one of the two
  /// alone, and one that ends the answer after it, which no text has.
  static BitSet of(int[] prompt, int[] answer) {
    BitSet echo = new BitSet(answer.length);
    Map<Integer, List<Integer>> places = new HashMap<>();
    for (int i = 0; i + LEAST <= prompt.length; i++) {
      places.computeIfAbsent(hash(prompt, i), key -> new ArrayList<>()).add(i);
    }
    for (int i = 0; i + LEAST <= answer.length; i++) {
      for (int place : places.getOrDefault(hash(answer, i), List.of())) {
        if (Arrays.equals(answer, i, i + LEAST, prompt, place, place + LEAST)) {
          echo.set(i, i + LEAST);
          break;
        }
      }
    }
    for (int run = echo.nextSetBit(0); run >= 0; run = echo.nextSetBit(echo.nextClearBit(run))) {
      echo.set(Math.max(0, run - 1));
    }
    if (answer.length > 1 && echo.get(answer.length - 2)) {
      echo.set(answer.length - 1);
    }
    return echo;
  }

  private static int hash(int[] tokens, int from) {
    return Arrays.hashCode(Arrays.copyOfRange(tokens, from, from + LEAST));
  }
}
