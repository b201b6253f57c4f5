package dev.tributary.server.adapter;

import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.RotaryScaling;
import dev.tributary.server.tensor.AttentionShape;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import java.util.Objects;
import java.util.Random;
import java.util.Set;

/// A base of a chosen shape whose weights are random numbers fixed by their place.
final class TinyBase implements BaseWeights {
  static final String NAME = "tests/Tiny-Base";
  static final BaseIdentity IDENTITY =
      new BaseIdentity("sha256:" + "ab".repeat(32), Set.of(NAME, "tiny"));

  /// Two layers, hidden 32, 4 query heads over 2 key heads, with head norms as in Qwen3.
  static final LlamaConfig CONFIG = config(2, 32, 48, new AttentionShape(4, 2, 8), 40, true);

  /// The shape of SmolLM2-135M.
  static final LlamaConfig SMOLLM2 =
      config(30, 576, 1536, new AttentionShape(9, 3, 64), 49152, false);

  /// The shape of the models in `goldens/tiny`, llama and qwen2.
  static LlamaConfig golden(int vocabulary, AttentionShape attention) {
    return config(2, 64, 96, attention, vocabulary, false);
  }

  private final LlamaConfig config;
  private final float spread;

  TinyBase(LlamaConfig config) {
    this(config, 1);
  }

  /// @param spread difference of the largest and the smallest weight
  TinyBase(LlamaConfig config, float spread) {
    this.config = config;
    this.spread = spread;
  }

  private static LlamaConfig config(
      int layers,
      int hidden,
      int feedForward,
      AttentionShape attention,
      int vocabulary,
      boolean headNorms) {
    return new LlamaConfig(
        "llama",
        layers,
        hidden,
        feedForward,
        attention,
        vocabulary,
        128,
        1e-5f,
        new RotaryScaling(10_000, new RotaryScaling.Plain()),
        false,
        false,
        false,
        headNorms,
        true);
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public void row(Site site, int output, float[] row) {
    Random random = new Random(Objects.hash(site.layer(), site.projection().name(), output));
    for (int i = 0; i < config.inputs(site.projection()); i++) {
      row[i] = spread * (random.nextFloat() - 0.5f);
    }
  }

  @Override
  public Linear pack(LinearWeights weights) {
    return new Linear() {
      @Override
      public int outputs() {
        return weights.outputs();
      }

      @Override
      public int inputs() {
        return weights.inputs();
      }

      @Override
      public String form() {
        return "bf16";
      }

      @Override
      public long bytes() {
        return weights.bytes();
      }

      @Override
      public void row(int output, float[] row) {
        weights.row(output, row);
      }
    };
  }
}
