package dev.tributary.server.attribution;

import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What was measured of sequences under one adapter, so that builds which have examples in common
/// measure each but once. Used by one thread at a time.
public final class Measures {
  /// Of the largest version's build with its decoys, and some: 36 KB each where all linear layers
  /// of the default base are adapted.
  static final int MOST = 2 * IndexBuild.MOST_CLUSTERS;

  /// The one used last is the last.
  private final Map<Key, Gradient> gradients = new LinkedHashMap<>(16, 0.75f, true);

  private final Map<Key, Double> losses = new LinkedHashMap<>(16, 0.75f, true);

  /// Tokens are compared by what they are.
  private record Key(IntBuffer tokens, int targetsFrom) {
    static Key of(Sequence sequence) {
      return new Key(IntBuffer.wrap(sequence.tokens()), sequence.targetsFrom());
    }
  }

  /// @param loss mean of -ln p over the targets, under the base
  record Gradient(Sketch sketch, double loss) {}

  @Nullable Gradient gradient(Sequence sequence) {
    return gradients.get(Key.of(sequence));
  }

  void put(Sequence sequence, Gradient gradient) {
    put(gradients, sequence, gradient);
  }

  /// Under the adapter.
  @Nullable Double loss(Sequence sequence) {
    return losses.get(Key.of(sequence));
  }

  void put(Sequence sequence, double loss) {
    put(losses, sequence, loss);
  }

  private static <T> void put(Map<Key, T> to, Sequence sequence, T value) {
    to.put(Key.of(sequence), value);
    if (to.size() > MOST) {
      to.remove(to.keySet().iterator().next());
    }
  }
}
