package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Losses and gradients against PyTorch's autograd in float32 over the same dequantised weights.
class GradientGoldenTest {
  private static final Logger LOG = LoggerFactory.getLogger(GradientGoldenTest.class);
  private static final Path GOLDENS = Path.of("src/test/resources/goldens/gradients");
  private static final Path TINY = Path.of("src/test/resources/goldens/tiny");

  /// Random projections of a gradient that the golden of the default base holds.
  private static final int SIGNS = 16;

  @ParameterizedTest
  @CsvSource({
    "llama-untied,plain",
    "llama-untied,patterns-rslora",
    "llama-untied,layers",
    "qwen2,qwen2-plain"
  })
  void gradients_ofTinyModelsOnTheReference_areTheOracles(String model, String adapter)
      throws IOException {
    Distance distance = tiny(Ops.reference(), model, adapter, 1e-6);
    assertThat(distance.relative()).isLessThan(2e-5);
  }

  @ParameterizedTest
  @CsvSource({
    "llama-untied,plain",
    "llama-untied,patterns-rslora",
    "llama-untied,layers",
    "qwen2,qwen2-plain"
  })
  void gradients_ofTinyModelsOnTheCpu_areTheOracles(String model, String adapter)
      throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      Distance distance = tiny(ops, model, adapter, 5e-3);
      assertThat(distance.cosine()).isGreaterThanOrEqualTo(0.999);
      assertThat(distance.relative()).isLessThan(0.03);
    }
  }

  private static Distance tiny(Ops ops, String model, String adapter, double tolerance)
      throws IOException {
    ops.claimThread();
    Golden golden = new Golden(GOLDENS.resolve("tiny-" + adapter + ".safetensors"));
    Llama llama = llama(ops, TINY.resolve(model), 4, 128);
    BaseIdentity identity = new BaseIdentity("sha256:0", Set.of("tributary/tiny-" + model));
    try (TestStore store = store(TINY.resolve(model).resolve("adapters"), llama, identity);
        Trainable trainable = trainable(store, adapter);
        GradientPass pass = new GradientPass(llama, 256, 1L << 30)) {
      run(pass, golden, trainable, tolerance);
      Distance distance = new Distance();
      trainable
          .gradients()
          .forEach(
              (site, pair) -> {
                String name = site.layer() + "." + site.projection().ordinal();
                distance.add(floats(pair.a()), golden.floats(name + ".a"));
                distance.add(floats(pair.bt()), golden.floats(name + ".b"));
              });
      LOG.info("{} {} {}: {}", model, adapter, ops.numerics(), distance);
      return distance;
    }
  }

  /// Rounded to bfloat16 forward, gradients differ more than the aim of 1%, and less than those of
  /// transformers' own bfloat16 run (`bf16_error`); exact forward, they are within it.
  @ParameterizedTest
  @ValueSource(strings = {"town-guide", "json"})
  void gradients_ofTheDefaultBase_areTheOracles(String adapter) throws IOException {
    Path file = RealModel.require();
    Golden golden = new Golden(GOLDENS.resolve(adapter + ".safetensors"));
    BaseIdentity identity =
        new BaseIdentity("sha256:0", Set.of("HuggingFaceTB/SmolLM2-135M-Instruct"));
    try (Ops ops = Ops.cpu(Libtorch.bundled(), Runtime.getRuntime().availableProcessors())) {
      ops.claimThread();
      Llama llama = llama(ops, file, 4, 64);
      try (TestStore store = store(RealModel.DEMO.resolve("adapters"), llama, identity);
          Trainable trainable = trainable(store, adapter)) {
        Distance narrow = distance(llama, golden, trainable, ComputePath.NARROW);
        assertThat(narrow.cosine()).isGreaterThanOrEqualTo(0.9999);
        assertThat(narrow.relative()).isLessThan(0.01);
        Distance wide = distance(llama, golden, trainable, ComputePath.WIDE);
        assertThat(wide.cosine()).isGreaterThanOrEqualTo(0.999);
        assertThat(wide.relative()).isLessThan(0.03).isLessThan(golden.floats("bf16_error")[0]);
      }
    }
  }

  private static Distance distance(
      Llama llama, Golden golden, Trainable trainable, ComputePath forward) {
    trainable.clearGradients();
    try (GradientPass pass = new GradientPass(llama, 256, 1L << 30, forward)) {
      run(pass, golden, trainable, forward == ComputePath.WIDE ? 2e-2 : 1e-4);
      Distance distance = projected(trainable, golden);
      LOG.info(
          "{} {}: {}, transformers in bfloat16 {}",
          trainable.pairs().size(),
          forward,
          distance,
          golden.floats("bf16_error")[0]);
      return distance;
    }
  }

  private static Distance projected(Trainable trainable, Golden golden) {
    int[] sites = golden.ints("sites");
    float[] a = golden.floats("a");
    float[] b = golden.floats("b");
    assertThat(trainable.gradients()).hasSize(sites.length / 2);
    Distance distance = new Distance();
    for (int i = 0; i < sites.length / 2; i++) {
      Site site = new Site(sites[2 * i], Projection.values()[sites[2 * i + 1]]);
      Pair pair = Objects.requireNonNull(trainable.gradients().get(site));
      float[] ofA = project(floats(pair.a()));
      float[] ofB = project(floats(pair.bt()));
      distance.add(ofA, Arrays.copyOfRange(a, i * SIGNS, (i + 1) * SIGNS));
      distance.add(ofB, Arrays.copyOfRange(b, i * SIGNS, (i + 1) * SIGNS));
    }
    return distance;
  }

  /// Sums with signs from the lowest bits of SplitMix64's answer to each index.
  private static float[] project(float[] values) {
    double[] sums = new double[SIGNS];
    for (int i = 0; i < values.length; i++) {
      long z = i + 0x9E3779B97F4A7C15L;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      z ^= z >>> 31;
      for (int k = 0; k < SIGNS; k++) {
        sums[k] += (z >>> k & 1) == 0 ? values[i] : -values[i];
      }
    }
    float[] result = new float[SIGNS];
    for (int k = 0; k < SIGNS; k++) {
      result[k] = (float) sums[k];
    }
    return result;
  }

  /// One pass over the golden's rows, whose losses must be the oracle's.
  private static void run(GradientPass pass, Golden golden, Trainable trainable, double tolerance) {
    int[] ids = golden.ints("ids");
    int[] starts = golden.ints("starts");
    int[] from = golden.ints("targets_from");
    float[] weights = golden.floats("weights");
    float[] losses = golden.floats("losses");
    List<TrainingRow> rows = new ArrayList<>();
    for (int i = 0; i < from.length; i++) {
      int[] tokens = Arrays.copyOfRange(ids, starts[i], starts[i + 1]);
      rows.add(new TrainingRow(tokens, from[i], trainable, weights[i]));
    }
    pass.begin(rows, true);
    while (pass.advance()) {}
    double[] ours = pass.losses();
    for (int i = 0; i < losses.length; i++) {
      assertThat(ours[i] / losses[i]).isBetween(1 - tolerance, 1 + tolerance);
    }
    LOG.info("losses {} against {}", Arrays.toString(ours), Arrays.toString(losses));
  }

  private static TestStore store(Path folder, Llama llama, BaseIdentity identity)
      throws IOException {
    return TestStore.offering(folder, llama, identity, new DirectProbe(llama), 1 << 30);
  }

  private static Trainable trainable(TestStore store, String name) {
    AdapterRef ref = new AdapterRef(name, new AdapterRef.Number(1));
    LoraWeights weights = store.lease(store.resolve("public", ref)).join().use(1).weights();
    Map<Site, Form> forms = new HashMap<>();
    weights
        .pairs()
        .forEach(
            (site, pair) ->
                forms.put(
                    site,
                    new Form(
                        DType.F32,
                        DType.F32,
                        pair.a().rows(),
                        pair.a().cols(),
                        pair.bt().cols(),
                        pair.scaling())));
    Trainable trainable = new Trainable(forms);
    trainable
        .pairs()
        .forEach(
            (site, pair) -> {
              Pair read = Objects.requireNonNull(weights.pairs().get(site));
              copy(read.a(), pair.a());
              copy(read.bt(), pair.bt());
            });
    return trainable;
  }

  private static void copy(Matrix from, Matrix to) {
    for (int i = 0; i < to.rows(); i++) {
      for (int j = 0; j < to.cols(); j++) {
        to.set(i, j, from.get(i, j));
      }
    }
  }

  private static float[] floats(Matrix matrix) {
    float[] values = new float[matrix.rows() * matrix.cols()];
    for (int i = 0; i < values.length; i++) {
      values[i] = matrix.get(i / matrix.cols(), i % matrix.cols());
    }
    return values;
  }

  private static Llama llama(Ops ops, Path folder, int pages, int maxTokens) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(folder);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    return LlamaLoader.load(checkpoint, config, ops, pages, maxTokens);
  }

  /// How far values are from what they should be, all together.
  private static final class Distance {
    private double ours;
    private double theirs;
    private double both;
    private double error;

    void add(float[] actual, float[] expected) {
      assertThat(actual).hasSameSizeAs(expected);
      for (int i = 0; i < actual.length; i++) {
        ours += (double) actual[i] * actual[i];
        theirs += (double) expected[i] * expected[i];
        both += (double) actual[i] * expected[i];
        error += Math.pow((double) actual[i] - expected[i], 2);
      }
    }

    double cosine() {
      return both / Math.sqrt(ours * theirs);
    }

    double relative() {
      return Math.sqrt(error / theirs);
    }

    @Override
    public String toString() {
      return "cosine %.7f, relative error %.3g".formatted(cosine(), relative());
    }
  }
}
