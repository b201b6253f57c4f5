package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.record.Division;
import dev.tributary.record.Evidence;
import dev.tributary.server.RealModel;
import dev.tributary.server.attribution.Answer;
import dev.tributary.server.attribution.Attributor;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.Trained;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.bench.AttributionCase.Question;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Example;
import dev.tributary.server.weights.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Attribution of the demo's town guide on the default base.
class AttributionCaseTest {
  private static final int CONTEXT = 256;

  /// Of each institution, besides those that say what the question asks.
  private static final int OTHERS = 3;

  private static final int QUESTIONS = 5;

  @TempDir private Path folder;

  @Test
  void institution_whoseFactAnswers_isOnTop() throws Exception {
    Path model = RealModel.require();
    Path adapter = Path.of("demo/adapters/town-guide");
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    Tokenizer tokenizer = ModelTokenizer.of(checkpoint);
    int pages = CONTEXT / KvCache.PAGE;
    try (Ops ops = Ops.cpu(Libtorch.bundled(), Runtime.getRuntime().availableProcessors())) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, pages, CONTEXT);
      LoraWeights weights = TrainedWeights.read(adapter, config);
      AttributionCase all =
          AttributionCase.read(
              llama,
              tokenizer,
              weights,
              adapter.resolve("contributions.jsonl"),
              few(Path.of("demo/questions/town-guide.questions.jsonl")),
              pages);
      AttributionCase of = fewer(all);
      try (GradientPass pass = new GradientPass(llama, 512, 1L << 26)) {
        new IndexBuild(
                pass,
                AttributionCaseTest::here,
                tokenizer.vocabularySize(),
                of.decoyTexts(tokenizer),
                (done, count) -> {})
            .build(
                folder,
                new IndexBuild.Version("", "", ""),
                weights,
                SketchForm.of(config),
                new Trained(
                    of.examples(),
                    of.contributors(),
                    IntStream.range(0, of.examples().size()).toArray()));
        VersionIndex index = VersionIndex.open(folder);
        Attributor attributor = new Attributor(pass, AttributionCaseTest::here, tokenizer);
        int exact = 0;
        for (Question question : of.questions()) {
          Evidence evidence =
              attributor
                  .attribute(
                      index,
                      weights,
                      new Answer(
                          question.prompt(), question.output(), question.drawn(), question.base()))
                  .join();
          if (question.exact()) {
            exact++;
            check(of, question, evidence);
          }
        }
        assertThat(exact).isGreaterThanOrEqualTo(3);
        checkLimits(of.questions().getFirst(), attributor, index, weights);
      }
      weights.release();
    }
  }

  /// What can't be told is said, and nobody's.
  private static void checkLimits(
      Question question, Attributor attributor, VersionIndex index, LoraWeights weights) {
    Answer empty = new Answer(question.prompt(), new int[0], new float[0], new float[0]);
    Evidence none = attributor.attribute(index, weights, empty).join();
    assertThat(none.limit()).isEqualTo(Evidence.Limit.EMPTY);
    assertThat(none.divide().unattributedPpm()).isEqualTo(1_000_000);
    Answer longer = new Answer(new int[600], question.output(), question.drawn(), question.base());
    Evidence spans = attributor.attribute(index, weights, longer).join();
    assertThat(spans.limit()).isEqualTo(Evidence.Limit.TOO_LONG);
    assertThat(spans.divide().parts()).isEmpty();
    assertThat(spans.spans()).as("spans need no gradient").isNotEmpty();
    // A token that a logit bias may have changed is nobody's; one that the prompt has is the
    // base's.
    float[] biased = question.drawn().clone();
    biased[0] = Float.NaN;
    Answer changed = new Answer(question.prompt(), question.output(), biased, question.base());
    assertThat(attributor.attribute(index, weights, changed).join().tokens().getFirst())
        .isEqualTo(Evidence.BIASED);
    Answer pasted =
        new Answer(question.all(), question.output(), question.drawn(), question.base());
    assertThat(attributor.attribute(index, weights, pasted).join().divide().basePpm())
        .isEqualTo(1_000_000);
  }

  private static void check(AttributionCase of, Question question, Evidence evidence) {
    Division division = evidence.divide();
    String name = of.names().get(question.contributor());
    assertThat(division.parts()).as(question.text()).isNotEmpty();
    assertThat(division.parts().getFirst().contributor()).as(question.text()).isEqualTo(name);
    assertThat(evidence.limit()).isEqualTo(Evidence.Limit.NONE);
    assertThat(Evidence.decode(evidence.encode())).isEqualTo(evidence);
    // The words of the answer stand in this institution's examples.
    assertThat(evidence.spans())
        .anySatisfy(
            span ->
                assertThat(
                        span.sources().stream()
                            .map(source -> evidence.sources().get(source).contributor())
                            .map(evidence.contributors()::get))
                    .contains(name));
    // What the base would have said, too, is nobody's.
    double beyond =
        IntStream.range(0, question.base().length).filter(i -> question.base()[i] == 0).count();
    assertThat(1_000_000 - division.basePpm())
        .isCloseTo((int) (1e6 * beyond / question.base().length), within(2)); // parts are rounded
  }

  /// Every eighteenth.
  private Path few(Path questions) throws Exception {
    List<String> lines = Files.readAllLines(questions);
    List<String> chosen = new ArrayList<>();
    for (int i = 0; i < QUESTIONS; i++) {
      chosen.add(lines.get(i * lines.size() / QUESTIONS));
    }
    Path file = folder.resolveSibling(folder.getFileName() + "-questions.jsonl");
    Files.write(file, chosen);
    return file;
  }

  /// With the examples that answer the questions, and a few of everybody's.
  private static AttributionCase fewer(AttributionCase all) {
    Set<List<Integer>> asked = new HashSet<>();
    all.questions().forEach(each -> asked.add(list(each.expected())));
    Map<String, Integer> others = new HashMap<>();
    List<Example> data = new ArrayList<>();
    List<Sequence> examples = new ArrayList<>();
    for (int i = 0; i < all.data().size(); i++) {
      Example each = all.data().get(i);
      int[] answer = Arrays.copyOfRange(each.tokens(), each.targetsFrom(), each.tokens().length);
      if (asked.contains(list(answer))
          || others.merge(each.contributor(), 1, Integer::sum) <= OTHERS) {
        data.add(each);
        examples.add(all.examples().get(i));
      }
    }
    return new AttributionCase(all.names(), data, examples, all.questions());
  }

  private static List<Integer> list(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  private static CompletableFuture<Void> here(BooleanSupplier pieces) {
    while (pieces.getAsBoolean()) {
      Thread.onSpinWait();
    }
    return CompletableFuture.completedFuture(null);
  }
}
