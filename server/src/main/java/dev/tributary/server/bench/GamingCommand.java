package dev.tributary.server.bench;

import dev.tributary.server.attribution.Measures;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.attribution.Sketch;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.bench.AttributionCase.Question;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.ChatTokens;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What attacks on attribution gain.
@Command(
    name = "gaming",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Lets a contributor list what an adapter was not trained on, in many ways, or paste its own"
          + " text into questions, and says what its share becomes, and the others'.",
      ""
    })
final class GamingCommand implements Callable<Integer> {
  private static final int CONTEXT = 1_024;
  private static final int SEED = 8;

  @Parameters(index = "0", paramLabel = "MODEL", description = "A .gguf file or a folder.")
  private Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "ADAPTER", description = "A PEFT folder.")
  private Path adapter = Path.of("");

  @Parameters(
      index = "2",
      paramLabel = "DATA",
      description = "What it was trained on, JSONL: a question and its answer a line.")
  private Path data = Path.of("");

  @Parameters(index = "3", paramLabel = "QUESTIONS", description = "Held-out, in the same form.")
  private Path questions = Path.of("");

  @Option(
      names = "--questions",
      defaultValue = "44",
      description =
          "Whose answers are attributed; what is answered to the rest is what an attacker lists"
              + " as its own. Default: ${DEFAULT-VALUE}.")
  private int asked = 44;

  @Option(
      names = "--attackers",
      defaultValue = "1",
      description = "Contributors that attack, each alone, from the one with the median share on.")
  private int attackers = 1;

  @Option(names = "--threads", description = "Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  @Override
  public Integer call() throws Exception {
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    Tokenizer tokenizer = ModelTokenizer.of(checkpoint);
    int pages = CONTEXT / KvCache.PAGE;
    List<GamingText> texts = GamingText.read(data);
    Report report = new Report("gaming", Instant.now());
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads);
        TemporaryFolder folder = TemporaryFolder.make()) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, pages, CONTEXT);
      LoraWeights weights = TrainedWeights.read(adapter, config);
      AttributionCase of = AttributionCase.read(llama, tokenizer, weights, data, questions, pages);
      System.out.print(of.text());
      GamingPaste paste =
          new GamingPaste(
              new AttributionCase.Asking(llama, tokenizer, IntStream.range(0, pages).toArray()),
              List.of(new AdapterUse(weights, 1)),
              new ChatTokens(tokenizer),
              GamingText.read(questions));
      try (GradientPass pass = new GradientPass(llama, CONTEXT, 1L << 28)) {
        GamingRun run =
            new GamingRun(
                pass,
                tokenizer,
                weights,
                SketchForm.of(config),
                of.decoyTexts(tokenizer),
                folder.path(),
                new Measures());
        for (GamingFigures each : measure(run, of, texts, paste, new ChatTokens(tokenizer))) {
          report.put(each.attacker(), each);
        }
      }
    }
    report.write(json);
    return 0;
  }

  private List<GamingFigures> measure(
      GamingRun run,
      AttributionCase of,
      List<GamingText> texts,
      GamingPaste paste,
      ChatTokens encoder)
      throws IOException {
    if (texts.size() != of.examples().size() || asked < 1 || asked > of.questions().size()) {
      throw new IllegalArgumentException(
          "%d texts, %d examples, %d questions of %d"
              .formatted(texts.size(), of.examples().size(), asked, of.questions().size()));
    }
    int[] chosen =
        IntStream.range(0, asked)
            .map(i -> (int) ((long) i * of.questions().size() / asked))
            .toArray();
    List<Question> answers = IntStream.of(chosen).mapToObj(of.questions()::get).toList();
    List<Sequence> said =
        IntStream.range(0, of.questions().size())
            .filter(i -> Arrays.binarySearch(chosen, i) < 0)
            .mapToObj(i -> of.questions().get(i).sequence())
            .toList();
    List<Sketch> sketches = run.sketches(answers);
    GamingListing honest = new GamingListing(of.contributors(), of.examples());
    VersionIndex index = run.index(honest);
    GamingRun.Outcome before = run.divide(index, answers, sketches);
    List<GamingFigures> all = new ArrayList<>();
    for (String attacker : attackers(of, before)) {
      GamingAttack.Scene scene = new GamingAttack.Scene(texts, honest, attacker, said, encoder);
      List<GamingFigures.Line> lines = new ArrayList<>();
      for (GamingAttack attack : GamingAttack.all(scene, new SplittableRandom(SEED))) {
        GamingRun.Outcome after = run.divide(run.index(attack.listing()), answers, sketches);
        lines.add(
            GamingFigures.Line.of(attack.name(), attack.before(), attack.names(), before, after));
        System.out.printf("%s: %.3f times the share%n", attack.name(), lines.getLast().gain());
      }
      lines.add(pasted(run, index, scene, of, chosen, paste));
      GamingFigures figures = new GamingFigures(attacker, answers.size(), before, lines);
      System.out.print(figures.text());
      all.add(figures);
    }
    return all;
  }

  /// Of others' questions: those to the attacker's own are its anyway.
  private static GamingFigures.Line pasted(
      GamingRun run,
      VersionIndex index,
      GamingAttack.Scene scene,
      AttributionCase of,
      int[] chosen,
      GamingPaste paste) {
    int own = of.names().indexOf(scene.attacker());
    int[] others =
        IntStream.of(chosen).filter(i -> of.questions().get(i).contributor() != own).toArray();
    List<Question> plain = IntStream.of(others).mapToObj(of.questions()::get).toList();
    List<Question> pasted = paste.ask(of.questions(), others, scene.own());
    return GamingFigures.Line.of(
        "own text pasted into others' questions",
        Set.of(scene.attacker()),
        Set.of(scene.attacker()),
        run.divide(index, plain, run.sketches(plain)),
        run.divide(index, pasted, run.sketches(pasted)));
  }

  private List<String> attackers(AttributionCase of, GamingRun.Outcome before) {
    List<String> byShare =
        of.names().stream()
            .sorted(Comparator.comparingDouble(name -> before.shares().getOrDefault(name, 0.0)))
            .toList();
    int median = byShare.size() / 2;
    return byShare.subList(median, Math.min(byShare.size(), median + attackers));
  }
}
