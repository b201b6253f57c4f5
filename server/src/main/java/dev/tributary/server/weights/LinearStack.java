package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.LinearWeights.Bf16;
import dev.tributary.server.tensor.LinearWeights.Int4;
import dev.tributary.server.tensor.LinearWeights.Int8;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Joins linear layers of the same inputs, such as q, k and v, to one that computes all of them.
public final class LinearStack {
  private LinearStack() {}

  /// One layer whose outputs are those of `layers`, in their order; a copy.
  ///
  /// @return empty if they are not all of one form and of the same inputs
  public static Optional<LinearWeights> of(List<? extends LinearWeights> layers) {
    LinearWeights first = layers.getFirst();
    for (LinearWeights layer : layers) {
      if (layer.getClass() != first.getClass() || layer.inputs() != first.inputs()) {
        return Optional.empty();
      }
    }
    int outputs = Math.toIntExact(layers.stream().mapToLong(LinearWeights::outputs).sum());
    int inputs = first.inputs();
    return Optional.of(
        switch (first) {
          case Int4 _ ->
              new Int4(
                  outputs,
                  inputs,
                  join(Int4.class, layers, Int4::codes),
                  join(Int4.class, layers, Int4::scales),
                  join(Int4.class, layers, Int4::zeros));
          case Int8 _ ->
              new Int8(
                  outputs,
                  inputs,
                  join(Int8.class, layers, Int8::codes),
                  join(Int8.class, layers, Int8::scales));
          case Bf16 _ -> new Bf16(outputs, inputs, join(Bf16.class, layers, Bf16::values));
        });
  }

  private static <W extends LinearWeights> Bytes join(
      Class<W> form, List<? extends LinearWeights> layers, Function<W, Bytes> part) {
    List<Bytes> parts = layers.stream().map(form::cast).map(part).toList();
    Bytes joined = Bytes.allocate(parts.stream().mapToLong(Bytes::size).sum());
    long at = 0;
    for (Bytes source : parts) {
      // Every part has a multiple of two bytes: bfloat16 values, or groups of 32.
      for (long i = 0; i < source.size(); i += 2) {
        joined.putShort(at + i, source.getShort(i));
      }
      at += source.size();
    }
    return joined;
  }
}
