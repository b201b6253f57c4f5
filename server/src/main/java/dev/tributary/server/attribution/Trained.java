package dev.tributary.server.attribution;

import java.util.List;
import java.util.stream.IntStream;

/// What a version was trained on, or is said to be.
///
/// @param examples in the order in which they were committed
/// @param contributors of the examples
/// @param heads of each example the number of the one that stands for it: its own, or an earlier
///   one's
public record Trained(List<Sequence> examples, List<String> contributors, int[] heads) {
  public Trained {
    examples = List.copyOf(examples);
    contributors = List.copyOf(contributors);
    heads = heads.clone();
    if (examples.size() != contributors.size() || examples.size() != heads.length) {
      throw new IllegalArgumentException(
          examples.size() + " examples, " + contributors.size() + " contributors");
    }
    for (int i = 0; i < heads.length; i++) {
      if (heads[i] < 0 || heads[i] > i || heads[heads[i]] != heads[i]) {
        throw new IllegalArgumentException("example " + i + " joins " + heads[i]);
      }
    }
  }

  /// Numbers of the examples that stand for themselves, ascending: a cluster each.
  int[] clusters() {
    return IntStream.range(0, heads.length).filter(i -> heads[i] == i).toArray();
  }

  /// The same with some more joined.
  Trained joined(List<Repeats.Repeat> repeats) {
    int[] joined = heads.clone();
    for (Repeats.Repeat repeat : repeats) {
      for (int i = repeat.example(); i < joined.length; i++) {
        joined[i] = joined[i] == repeat.example() ? repeat.head() : joined[i];
      }
    }
    return new Trained(examples, contributors, joined);
  }
}
