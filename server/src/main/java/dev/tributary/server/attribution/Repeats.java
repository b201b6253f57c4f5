package dev.tributary.server.attribution;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Clusters whose answer an earlier one has word for word, to a question that asks the same in
/// other words: copies that comparing texts does not find.
///
/// They join the earlier one, as texts that are nearly the same do, whoever listed them: so it
/// makes no difference under how many names somebody lists.
public final class Repeats {
  /// Tokens of an answer, with the one that ends it: what is shorter, many say by themselves.
  static final int LEAST = 8;

  /// Least cosine of the gradients.
  static final double ALIKE = 0.6;

  private Repeats() {}

  /// @param example number of the example that joins another's
  /// @param head number of the one that stands for it
  public record Repeat(int example, int head) {}

  /// @param sketches of the clusters of `trained`, in their order
  static List<Repeat> of(Trained trained, List<Sketch> sketches) {
    int[] heads = trained.clusters();
    List<Repeat> repeats = new ArrayList<>();
    Map<IntBuffer, List<Integer>> byAnswer = new HashMap<>();
    for (int cluster = 0; cluster < heads.length; cluster++) {
      Sequence own = trained.examples().get(heads[cluster]);
      if (own.targets() < LEAST) {
        continue;
      }
      IntBuffer answer = IntBuffer.wrap(own.tokens(), own.targetsFrom(), own.targets()).slice();
      List<Integer> earlier = byAnswer.computeIfAbsent(answer, key -> new ArrayList<>());
      int found = -1;
      for (int i = 0; i < earlier.size() && found < 0; i++) {
        int other = earlier.get(i);
        found = sketches.get(other).cosine(sketches.get(cluster)) >= ALIKE ? other : -1;
      }
      if (found < 0) {
        earlier.add(cluster);
      } else {
        repeats.add(new Repeat(heads[cluster], heads[found]));
      }
    }
    return repeats;
  }
}
