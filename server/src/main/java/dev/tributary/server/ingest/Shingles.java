package dev.tributary.server.ingest;

import java.util.Arrays;
import java.util.stream.IntStream;

/// The set of an example's runs of five tokens; one of fewer tokens has one run, all of it.
///
/// Sets are compared token by token, with no hash between, since those who gain from a merge would
/// look for hashes that collide.
final class Shingles {
  static final int LENGTH = 5;

  private final int[] tokens;
  private final int length;

  /// Where each run first begins, ascending by the run's tokens.
  private final int[] starts;

  Shingles(int[] tokens) {
    this.tokens = tokens;
    length = Math.min(LENGTH, tokens.length);
    Integer[] sorted =
        IntStream.rangeClosed(0, tokens.length - length).boxed().toArray(Integer[]::new);
    Arrays.sort(sorted, this::order);
    int[] distinct = new int[sorted.length];
    int count = 0;
    for (int start : sorted) {
      if (count == 0 || order(distinct[count - 1], start) != 0) {
        distinct[count++] = start;
      }
    }
    starts = Arrays.copyOf(distinct, count);
  }

  private int order(int one, int other) {
    return Arrays.compare(tokens, one, one + length, tokens, other, other + length);
  }

  int size() {
    return starts.length;
  }

  /// How many runs both have, or -1 if they are fewer than `least`.
  int shared(Shingles other, int least) {
    int shared = 0;
    for (int i = 0, j = 0; i < starts.length && j < other.starts.length; ) {
      if (shared + Math.min(starts.length - i, other.starts.length - j) < least) {
        return -1; // Most that are not alike end here soon.
      }
      int order =
          Arrays.compare(
              tokens,
              starts[i],
              starts[i] + length,
              other.tokens,
              other.starts[j],
              other.starts[j] + other.length);
      shared += order == 0 ? 1 : 0;
      i += order <= 0 ? 1 : 0;
      j += order >= 0 ? 1 : 0;
    }
    return shared < least ? -1 : shared;
  }
}
