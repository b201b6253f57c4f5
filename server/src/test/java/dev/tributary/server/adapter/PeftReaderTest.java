package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Norm;
import dev.tributary.server.model.LoraWeights.NormSite;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Linear;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeftReaderTest {
  private static final LlamaConfig BASE = TinyBase.CONFIG;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"BF16", "F16", "F32"})
  void read_dtype_keepsEveryValue(String dtype) throws IOException {
    PeftFiles files = PeftFiles.empty(1).set("target_modules", List.of("q_proj", "down_proj"));
    for (int layer = 0; layer < 2; layer++) {
      files.pair(layer, Projection.Q, 4, dtype).pair(layer, Projection.DOWN, 4, dtype);
    }
    LoraWeights weights = read(files);
    assertThat(weights.pairs().keySet())
        .isEqualTo(
            Set.of(
                new Site(0, Projection.Q),
                new Site(1, Projection.Q),
                new Site(0, Projection.DOWN),
                new Site(1, Projection.DOWN)));
    weights.pairs().forEach((site, pair) -> requirePair(files, site, pair, 4, 2f));
    Pair pair = pair(weights, 1, Projection.DOWN);
    assertThat(pair.a().type()).isEqualTo(dtype.equals("BF16") ? DType.BF16 : DType.F32);
    int width = dtype.equals("BF16") ? 2 : 4;
    assertThat(weights.bytes()).isEqualTo(2 * width * 4L * (32 + 32 + 48 + 32));
    assertThat(weights.magnitudes()).isEmpty();
    assertThat(weights.norms()).isEmpty();
    assertThat(weights.head()).isNull();
  }

  /// More rows and columns than are transposed at a time.
  @ParameterizedTest
  @ValueSource(strings = {"BF16", "F16", "F32"})
  void read_wideMatrices_keepEveryValue(String dtype) throws IOException {
    PeftFiles files =
        PeftFiles.empty(6)
            .set("target_modules", List.of("up_proj"))
            .set("r", 70)
            .set("lora_alpha", 70);
    files.pair(0, Projection.UP, 70, dtype).pair(1, Projection.UP, 70, dtype);
    LoraWeights weights = read(files);
    assertThat(weights.pairs()).hasSize(2);
    weights.pairs().forEach((site, pair) -> requirePair(files, site, pair, 70, 1f));
  }

  @Test
  void read_randomConfigurations_bindsWhatTheyName() throws IOException {
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      int rank = 1 + random.nextInt(8);
      int alpha = 1 + random.nextInt(32);
      boolean rslora = random.nextBoolean();
      List<Integer> layers = random.nextBoolean() ? List.of(random.nextInt(2)) : List.of();
      List<Projection> targets = new ArrayList<>(List.of(Projection.values()));
      targets.removeIf(projection -> random.nextInt(3) == 0);
      if (targets.isEmpty()) {
        targets.add(Projection.K);
      }
      Projection special = targets.get(random.nextInt(targets.size()));
      int specialRank = 1 + random.nextInt(8);
      int specialAlpha = 1 + random.nextInt(32);
      PeftFiles files =
          PeftFiles.empty(seed)
              .set("target_modules", targets.stream().map(PeftReaderTest::suffix).toList())
              .set("r", rank)
              .set("lora_alpha", alpha)
              .set("use_rslora", rslora)
              .set("layers_to_transform", layers.isEmpty() ? null : layers)
              .set("rank_pattern", Map.of(suffix(special), specialRank))
              .set("alpha_pattern", Map.of("layers.1." + special.path(), specialAlpha));
      Map<Site, Float> scalings = new LinkedHashMap<>();
      for (int layer : layers.isEmpty() ? List.of(0, 1) : layers) {
        for (Projection projection : targets) {
          int r = projection == special ? specialRank : rank;
          int a = projection == special && layer == 1 ? specialAlpha : alpha;
          files.pair(layer, projection, r, random.nextBoolean() ? "BF16" : "F32");
          scalings.put(
              new Site(layer, projection), (float) (rslora ? a / Math.sqrt(r) : (double) a / r));
        }
      }
      LoraWeights weights = read(files);
      assertThat(weights.pairs().keySet()).as("seed %d", seed).isEqualTo(scalings.keySet());
      weights
          .pairs()
          .forEach(
              (site, pair) -> {
                int r = site.projection() == special ? specialRank : rank;
                requirePair(files, site, pair, r, Objects.requireNonNull(scalings.get(site)));
              });
    }
  }

  @Test
  void read_regexTarget_matchesWholeNames() throws IOException {
    PeftFiles files =
        PeftFiles.empty(2)
            .set("target_modules", "model\\.layers\\.1\\.self_attn\\.(q|k)_proj")
            .pair(1, Projection.Q, 4, "BF16")
            .pair(1, Projection.K, 4, "BF16");
    assertThat(read(files).pairs().keySet())
        .isEqualTo(Set.of(new Site(1, Projection.Q), new Site(1, Projection.K)));
  }

  @Test
  void read_allLinear_bindsEveryProjection() throws IOException {
    PeftFiles files = PeftFiles.empty(3).set("target_modules", "all-linear");
    Set<Site> sites = new LinkedHashSet<>();
    for (int layer = 0; layer < 2; layer++) {
      for (Projection projection : Projection.values()) {
        files.pair(layer, projection, 4, "F16");
        sites.add(new Site(layer, projection));
      }
    }
    assertThat(read(files).pairs().keySet()).isEqualTo(sites);
  }

  @ParameterizedTest
  @ValueSource(strings = {".lora_magnitude_vector", ".lora_magnitude_vector.weight"})
  void read_dora_dividesByTheMergedNorm(String name) throws IOException {
    PeftFiles files =
        PeftFiles.empty(4).set("target_modules", List.of("up_proj")).set("use_dora", true);
    for (int layer = 0; layer < 2; layer++) {
      files
          .pair(layer, Projection.UP, 4, "F32")
          .tensor(Projection.UP.module(layer) + name, "F32", BASE.feedForward());
    }
    LoraWeights weights = read(files);
    assertThat(weights.magnitudes().keySet()).isEqualTo(weights.pairs().keySet());
    for (Map.Entry<Site, float[]> entry : weights.magnitudes().entrySet()) {
      Site site = entry.getKey();
      float[] a = files.get(site.projection().module(site.layer()) + ".lora_A.weight").values();
      float[] b = files.get(site.projection().module(site.layer()) + ".lora_B.weight").values();
      float[] m = files.get(site.projection().module(site.layer()) + name).values();
      float[] row = new float[BASE.hidden()];
      for (int output = 0; output < m.length; output++) {
        new TinyBase(BASE).row(site, output, row);
        double squares = 0;
        for (int input = 0; input < row.length; input++) {
          double merged = row[input];
          for (int k = 0; k < 4; k++) {
            merged += 2.0 * b[output * 4 + k] * a[k * row.length + input];
          }
          squares += merged * merged;
        }
        assertThat((double) entry.getValue()[output])
            .isCloseTo(m[output] / Math.sqrt(squares), within(1e-5));
      }
    }
  }

  @Test
  void read_modulesToSave_replacesNormsAndHead() throws IOException {
    // As in PEFT an entry is any ending of a name: "norm" is also that of "input_layernorm".
    PeftFiles files =
        PeftFiles.small(5)
            .set("modules_to_save", List.of("norm", "lm_head"))
            .tensor("lm_head.weight", "BF16", BASE.vocabulary(), BASE.hidden())
            .tensor("model.norm.weight", "F32", BASE.hidden());
    Set<NormSite> norms = new LinkedHashSet<>(Set.of(new NormSite(-1, Norm.FINAL)));
    for (int layer = 0; layer < 2; layer++) {
      String block = "model.layers." + layer;
      files
          .tensor(block + ".input_layernorm.weight", "BF16", 32)
          .tensor(block + ".post_attention_layernorm.weight", "F16", 32)
          .tensor(block + ".self_attn.q_norm.weight", "F32", 8)
          .tensor(block + ".self_attn.k_norm.weight", "F32", 8);
      for (Norm norm : List.of(Norm.ATTENTION, Norm.FEED_FORWARD, Norm.QUERY, Norm.KEY)) {
        norms.add(new NormSite(layer, norm));
      }
    }
    LoraWeights weights = read(files);
    assertThat(weights.norms().keySet()).isEqualTo(norms);
    assertThat(weights.norms().get(new NormSite(1, Norm.FEED_FORWARD)))
        .isEqualTo(files.get("model.layers.1.post_attention_layernorm.weight").values());
    assertThat(weights.norms().get(new NormSite(0, Norm.KEY)))
        .isEqualTo(files.get("model.layers.0.self_attn.k_norm.weight").values());
    Linear head = Objects.requireNonNull(weights.head());
    float[] row = new float[32];
    head.row(7, row);
    for (int i = 0; i < 32; i++) {
      assertThat(row[i]).isEqualTo(files.get("lm_head.weight").values()[7 * 32 + i]);
    }
    long pairs = 2 * 2 * 4L * (32 + 32 + 32 + 16);
    assertThat(weights.bytes()).isEqualTo(pairs + 4L * (5 * 32 + 4 * 8) + 2L * 40 * 32);
  }

  private LoraWeights read(PeftFiles files) throws IOException {
    files.write(folder);
    AdapterReader reader =
        new AdapterReader(
            new TinyBase(BASE), TinyBase.IDENTITY, new EffectProof(new FakeProbe()), 1 << 20);
    PeftFolder peft = new PeftFolder(folder);
    return reader.load(peft, TestStore.describe(reader, peft, "test"), false);
  }

  private static Pair pair(LoraWeights weights, int layer, Projection projection) {
    return Objects.requireNonNull(weights.pairs().get(new Site(layer, projection)));
  }

  private static void requirePair(PeftFiles files, Site site, Pair pair, int rank, float scaling) {
    String module = site.projection().module(site.layer());
    float[] a = files.get(module + ".lora_A.weight").values();
    float[] b = files.get(module + ".lora_B.weight").values();
    int inputs = BASE.inputs(site.projection());
    int outputs = BASE.outputs(site.projection());
    assertThat(pair.scaling()).isEqualTo(scaling);
    assertThat(List.of(pair.a().rows(), pair.a().cols())).isEqualTo(List.of(rank, inputs));
    assertThat(List.of(pair.bt().rows(), pair.bt().cols())).isEqualTo(List.of(rank, outputs));
    for (int k = 0; k < rank; k++) {
      for (int input = 0; input < inputs; input++) {
        assertThat(pair.a().get(k, input)).isEqualTo(a[k * inputs + input]);
      }
      for (int output = 0; output < outputs; output++) {
        assertThat(pair.bt().get(k, output)).isEqualTo(b[output * rank + k]);
      }
    }
  }

  private static String suffix(Projection projection) {
    return projection.path().substring(projection.path().indexOf('.') + 1);
  }
}
