package dev.tributary.server.model;

import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Room;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import java.util.Map;

/// The low-rank pairs of an adapter under training, float32, and their gradients.
///
/// Values and gradients are one region each, laid out alike: the float at an index of [#values] has
/// its gradient at the same index of [#gradientValues], so that an optimiser goes over both in one
/// sweep ([dev.tributary.server.tensor.BackwardOps#adam]). Between the matrices there may be floats
/// that belong to none; they are 0 in both and stay so.
///
/// All zeros at first: who makes it fills in A. Not thread safe; a [GradientPass] uses it on the
/// engine's thread.
public final class Trainable implements AutoCloseable {
  private final Room values;
  private final Room gradients;

  /// @param forms float32 pairs by the layer they adapt
  /// @throws IllegalArgumentException naming a pair that is not float32, or if there is none
  public Trainable(Map<Site, Form> forms) {
    if (forms.isEmpty()) {
      throw new IllegalArgumentException("an adapter without pairs");
    }
    forms.forEach(
        (site, form) -> {
          if (form.a() != DType.F32 || form.bt() != DType.F32) {
            throw new IllegalArgumentException("the pair of " + site + " is not float32");
          }
        });
    values = new Room(forms);
    gradients = new Room(forms);
  }

  /// The pairs, to read and to fill.
  public Map<Site, Pair> pairs() {
    return values.pairs();
  }

  /// Of each pair the gradients of A and of B transposed, in the shapes of `a` and `bt`.
  public Map<Site, Pair> gradients() {
    return gradients.pairs();
  }

  /// Number of floats of [#values], and of [#gradientValues].
  public long floats() {
    return values.bytes().size() / Float.BYTES;
  }

  /// All values, float32.
  public Bytes values() {
    return values.bytes();
  }

  /// All gradients, float32.
  public Bytes gradientValues() {
    return gradients.bytes();
  }

  /// Sets all gradients to 0.
  public void clearGradients() {
    gradients.bytes().clear();
  }

  /// @throws IllegalArgumentException naming a pair that is not of a layer of the model
  void requireFits(LlamaConfig config) {
    values
        .pairs()
        .forEach(
            (site, pair) -> {
              if (site.layer() < 0
                  || site.layer() >= config.layers()
                  || pair.a().cols() != config.inputs(site.projection())
                  || pair.bt().cols() != config.outputs(site.projection())) {
                throw new IllegalArgumentException("the pair of " + site + " is of another model");
              }
            });
  }

  /// Frees the memory; every later use throws [IllegalStateException].
  @Override
  public void close() {
    values.close();
    gradients.close();
  }
}
