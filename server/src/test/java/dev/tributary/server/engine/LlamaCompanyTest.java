package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// [EngineCompanyTest] on a tiny real model, whose bits must be kept by every kernel of a step.
class LlamaCompanyTest {
  private static final Path MODEL = Path.of("src/test/resources/goldens/tiny/llama-untied");
  private static final int PAGES = 14;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void answers_replayedByTheirPathsAreTheSame(long seed) throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      Company company = company(ops);
      Random random = new Random(seed);
      Company.Outcome outcome = company.together(random, 80, adapters(company));

      for (int i = 0; i < outcome.jobs().size(); i++) {
        Job job = outcome.jobs().get(i);
        Recorder answer = outcome.answers().get(i);
        Company.assertSame(answer, company.alone(Company.replay(job, answer)));
        if (job.sampling().logitBias().isEmpty()) {
          assertThat(company.likelihoods(job, answer)).isEqualTo(answer.finished().drawn());
        }
        if (job.repeatable()) {
          Company.assertSame(answer, company.alone(job));
        }
      }
      assertThat(outcome.stats().preemptions()).isPositive();
      assertThat(outcome.stats().prefixTokens()).isPositive();
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {1, 0.5f, 0})
  void answers_areTheSameColdAndWarm(float scale) throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      Company company = company(ops);
      List<AdapterUse> pair = adapters(company);
      AdapterUse red = new AdapterUse(pair.get(0).weights(), scale, pair.get(0).digest());
      AdapterUse blue = pair.get(1);
      int[] prompt = new Random(5).ints(70, 4, company.settings().vocabulary()).toArray();
      for (List<AdapterUse> uses : List.of(List.of(red, blue), List.of(blue, red))) {
        Job job =
            JobBuilder.prompt(prompt).greedy(12).logprobs(5).adapters(uses).repeatable().build();
        Recorder cold = company.alone(job);
        List<Recorder> warm = company.inTurn(List.of(job, job));

        assertThat(warm.get(1).finished().usage().cachedTokens()).isEqualTo(64);
        Company.assertSame(warm.get(1), cold);
      }
    }
  }

  private static Company company(Ops ops) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(MODEL);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    EngineSettings settings = Company.settings(200, config.vocabulary(), PAGES, 6, 16);
    Llama llama = LlamaLoader.load(checkpoint, config, ops, PAGES, settings.stepTokens());
    return new Company(() -> new Wide(llama), settings);
  }

  /// Two adapters of rank 4 on every linear layer.
  private static List<AdapterUse> adapters(Company company) {
    LlamaConfig config = ((Wide) company.runners().get()).llama.config();
    return List.of(
        new AdapterUse(lora(config, new Random(1)), 1, "sha256:red"),
        new AdapterUse(lora(config, new Random(2)), 0.5f, "sha256:blue"));
  }

  private static LoraWeights lora(LlamaConfig config, Random random) {
    Map<LoraWeights.Site, LoraWeights.Pair> pairs = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        pairs.put(
            new LoraWeights.Site(layer, projection),
            new LoraWeights.Pair(
                matrix(random, config.inputs(projection)),
                matrix(random, config.outputs(projection)),
                1));
      }
    }
    return new LoraWeights(pairs, Map.of(), Map.of(), null, 0);
  }

  private static Matrix matrix(Random random, int cols) {
    Matrix matrix = Matrix.allocate(DType.BF16, 4, cols);
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, 0.2f * (random.nextFloat() - 0.5f));
      }
    }
    return matrix;
  }

  /// The model with a crossover that steps of these tests lie on both sides of, whatever this
  /// machine measured.
  private record Wide(Llama llama) implements StepRunner {
    @Override
    public int maxTokens() {
      return llama.maxTokens();
    }

    @Override
    public int wideFrom() {
      return 12;
    }

    @Override
    public void claimThread() {
      llama.claimThread();
    }

    @Override
    public Matrix run(List<Span> spans) {
      return llama.run(spans);
    }
  }
}
