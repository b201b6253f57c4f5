package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.AttentionShape;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Folders that PEFT itself wrote, one per option (`.ci/goldens`).
class PeftGoldensTest {
  @ParameterizedTest
  @CsvSource({
    // folder, low-rank pairs, magnitudes, norms, head, alone
    "llama-untied, plain, 14, 0, 0, false, false",
    "llama-untied, plain-f16, 8, 0, 0, false, false",
    "llama-untied, plain-f32, 4, 0, 0, false, false",
    "llama-untied, rslora, 4, 0, 0, false, false",
    "llama-untied, patterns, 14, 0, 0, false, false",
    "llama-untied, patterns-rslora, 4, 0, 0, false, false",
    "llama-untied, regex, 3, 0, 0, false, false",
    "llama-untied, paths, 2, 0, 0, false, false",
    "llama-untied, layer, 4, 0, 0, false, false",
    "llama-untied, layers, 4, 0, 0, false, false",
    "llama-untied, dora, 14, 14, 0, false, true",
    "llama-untied, saved-head, 4, 0, 0, true, true",
    "llama-untied, saved-norms, 4, 0, 5, true, true",
    "qwen2, qwen2-plain, 14, 0, 0, false, false",
    "qwen2, qwen2-dora-rslora, 4, 4, 0, false, true",
    "qwen2, qwen2-norm, 2, 0, 1, false, true",
  })
  void load_writtenByPeft_bindsCompletely(
      String model, String name, int pairs, int magnitudes, int norms, boolean head, boolean alone)
      throws URISyntaxException {
    LoraWeights weights = load(model, name, alone);
    assertThat(weights.pairs()).hasSize(pairs);
    assertThat(weights.magnitudes()).hasSize(magnitudes);
    assertThat(weights.norms()).hasSize(norms);
    assertThat(weights.head() != null).isEqualTo(head);
  }

  @Test
  void load_patterns_ranksAndScalingsByModule() throws URISyntaxException {
    LoraWeights weights = load("llama-untied", "patterns", false);
    // r 4, alpha 8; rank_pattern q_proj 2, layer 0's v_proj 1, layer 1's down_proj 6;
    // alpha_pattern k_proj 3, layer 1's v_proj 5, layer 0's down_proj 16.
    requirePair(weights, 0, Projection.Q, 2, 4);
    requirePair(weights, 1, Projection.Q, 2, 4);
    requirePair(weights, 0, Projection.K, 4, 0.75f);
    requirePair(weights, 0, Projection.V, 1, 8);
    requirePair(weights, 1, Projection.V, 4, 1.25f);
    requirePair(weights, 0, Projection.DOWN, 4, 4);
    requirePair(weights, 1, Projection.DOWN, 6, 8 / 6f);
    requirePair(weights, 1, Projection.GATE, 4, 2);
  }

  @Test
  void everyGoldenAdapter_isInTheTable() throws IOException, URISyntaxException {
    try (Stream<Path> llama = Files.list(golden("llama-untied/adapters"));
        Stream<Path> qwen = Files.list(golden("qwen2/adapters"))) {
      assertThat(Stream.concat(llama, qwen).filter(Files::isDirectory)).hasSize(16);
    }
  }

  private static LoraWeights load(String model, String name, boolean alone)
      throws URISyntaxException {
    LlamaConfig shape =
        model.equals("qwen2")
            ? TinyBase.golden(256, new AttentionShape(4, 2, 16))
            : TinyBase.golden(272, new AttentionShape(4, 2, 32));
    BaseIdentity identity =
        new BaseIdentity("sha256:" + "0".repeat(64), Set.of("tributary/tiny-" + model));
    AdapterReader reader =
        new AdapterReader(new TinyBase(shape), identity, new EffectProof(new FakeProbe()), 1 << 20);
    PeftFolder folder = new PeftFolder(golden(model + "/adapters/" + name));
    AdapterVersion version = TestStore.describe(reader, folder, name);
    assertThat(version.alone()).isEqualTo(alone);
    return reader.load(folder, version, false);
  }

  private static void requirePair(
      LoraWeights weights, int layer, Projection projection, int rank, float scaling) {
    LoraWeights.Pair pair =
        Objects.requireNonNull(weights.pairs().get(new Site(layer, projection)));
    assertThat(List.of(pair.a().rows(), pair.bt().rows())).isEqualTo(List.of(rank, rank));
    assertThat(pair.scaling()).isEqualTo(scaling);
  }

  private static Path golden(String path) throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(PeftGoldensTest.class.getResource("/goldens/tiny/" + path)).toURI());
  }
}
