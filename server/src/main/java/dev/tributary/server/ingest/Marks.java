package dev.tributary.server.ingest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/// What tells facts apart in texts that are nearly the same: an example's numbers and rare tokens,
/// in their order.
final class Marks {
  /// Of a vocabulary; the largest have under 300,000.
  private static final int MAX_TOKEN = 1 << 22;

  /// A token that fewer examples than this have is rare.
  private static final int COMMON_EXAMPLES = 5;

  /// So is one that less than this part of the examples have.
  private static final int COMMON_PART = 20;

  private final int[] tokens;

  private Marks(int[] tokens) {
    this.tokens = tokens;
  }

  /// @param number whether a token is part of a number
  static List<Marks> of(List<Example> examples, IntPredicate number) {
    int[] examplesWith = examplesWith(examples);
    int common = Math.max(COMMON_EXAMPLES, (examples.size() + COMMON_PART - 1) / COMMON_PART);
    List<Marks> marks = new ArrayList<>();
    for (Example example : examples) {
      marks.add(
          new Marks(
              Arrays.stream(example.tokens())
                  .filter(token -> examplesWith[token] < common || number.test(token))
                  .toArray()));
    }
    return marks;
  }

  /// By token, how many examples have it.
  private static int[] examplesWith(List<Example> examples) {
    int largest = 0;
    for (Example example : examples) {
      for (int token : example.tokens()) {
        if (token < 0 || token > MAX_TOKEN) {
          throw new IllegalArgumentException("a token " + token);
        }
        largest = Math.max(largest, token);
      }
    }
    int[] count = new int[largest + 1];
    int[] last = new int[largest + 1];
    Arrays.fill(last, -1);
    for (int i = 0; i < examples.size(); i++) {
      for (int token : examples.get(i).tokens()) {
        count[token] += last[token] == i ? 0 : 1;
        last[token] = i;
      }
    }
    return count;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Marks marks && Arrays.equals(tokens, marks.tokens);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(tokens);
  }
}
