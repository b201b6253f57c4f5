package dev.tributary.server.bench;

import dev.tributary.identity.BaseDigest;
import dev.tributary.record.Evidence;
import dev.tributary.server.attribution.Answer;
import dev.tributary.server.attribution.Attributor;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.Trained;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// How true attributions are.
@Command(
    name = "attribution",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Asks an adapter held-out questions, attributes its answers, and says how often the"
          + " contributor who gave the fact has the largest share, beside other methods; with"
          + " --subsets, how well shares predict what retraining without contributors does.",
      ""
    })
final class AttributionCommand implements Callable<Integer> {
  private static final int CONTEXT = 1_024;

  @Parameters(index = "0", paramLabel = "MODEL", description = "A .gguf file or a folder.")
  private Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "ADAPTER", description = "A PEFT folder.")
  private Path adapter = Path.of("");

  @Parameters(index = "2", paramLabel = "DATA", description = "What it was trained on, JSONL.")
  private Path data = Path.of("");

  @Parameters(index = "3", paramLabel = "QUESTIONS", description = "Held-out, in the same form.")
  private Path questions = Path.of("");

  @Option(
      names = "--truth",
      paramLabel = "DIR",
      description = "Where adapters of subsets are, or are put; a run that was ended goes on.")
  private @Nullable Path truth;

  @Option(
      names = "--subsets",
      defaultValue = "0",
      description = "Halves of the contributors to train on, even. Default: ${DEFAULT-VALUE}.")
  private int subsets;

  @Option(names = "--seeds", defaultValue = "1", description = "Each so often. Default: 1.")
  private int seeds = 1;

  @Option(names = "--rank", defaultValue = "16", description = "Of them. Default: 16.")
  private int rank = 16;

  @Option(names = "--alpha", defaultValue = "32", description = "Of them. Default: 32.")
  private float alpha = 32;

  @Option(names = "--epochs", defaultValue = "10", description = "Of them. Default: 10.")
  private int epochs = 10;

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
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads);
        TemporaryFolder folder = TemporaryFolder.make()) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, pages, CONTEXT);
      LoraWeights weights = TrainedWeights.read(adapter, config);
      AttributionCase of = AttributionCase.read(llama, tokenizer, weights, data, questions, pages);
      System.out.print(of.text());
      List<AttributionMethod> methods = new ArrayList<>();
      try (GradientPass pass = new GradientPass(llama, CONTEXT, 1L << 28)) {
        VersionIndex index = index(folder.path(), pass, of, tokenizer, weights, config);
        methods.add(ours(pass, index, weights, tokenizer, of));
        methods.addAll(BaselineMethods.of(pass, weights, SketchForm.of(config), of));
      }
      AttributionTruth truths =
          truth == null
              ? AttributionTruth.NONE
              : AttributionTruth.train(
                  truth,
                  llama,
                  ops,
                  BaseDigest.of(model),
                  of,
                  new AttributionTruth.Settings(subsets, seeds, rank, alpha, epochs),
                  pages);
      AttributionFigures figures = AttributionFigures.of(of, methods, truths);
      System.out.print(figures.text());
      new Report("attribution", Instant.now()).put("figures", figures).write(json);
    }
    return 0;
  }

  private static CompletableFuture<Void> here(BooleanSupplier pieces) {
    while (pieces.getAsBoolean()) {
      Thread.onSpinWait();
    }
    return CompletableFuture.completedFuture(null);
  }

  private VersionIndex index(
      Path folder,
      GradientPass pass,
      AttributionCase of,
      Tokenizer tokenizer,
      LoraWeights weights,
      LlamaConfig config)
      throws Exception {
    long start = System.nanoTime();
    int[] heads = IntStream.range(0, of.examples().size()).toArray();
    new IndexBuild(
            pass,
            AttributionCommand::here,
            tokenizer.vocabularySize(),
            of.decoyTexts(tokenizer),
            (done, all) -> {})
        .build(
            folder,
            new IndexBuild.Version("", BaseDigest.of(model), ""),
            weights,
            SketchForm.of(config),
            new Trained(of.examples(), of.contributors(), heads));
    VersionIndex index = VersionIndex.open(folder);
    System.out.printf(
        "index of %d examples in %.1f s, %,d KB in memory; %s%n",
        heads.length,
        (System.nanoTime() - start) / 1e9,
        index.bytes() / 1_000,
        index.about().thresholds());
    return index;
  }

  private static AttributionMethod ours(
      GradientPass pass,
      VersionIndex index,
      LoraWeights weights,
      Tokenizer tokenizer,
      AttributionCase of) {
    Attributor attributor = new Attributor(pass, AttributionCommand::here, tokenizer);
    List<AttributionMethod.Shares> shares = new ArrayList<>();
    long start = System.nanoTime();
    for (AttributionCase.Question each : of.questions()) {
      Evidence evidence =
          attributor
              .attribute(
                  index,
                  weights,
                  new Answer(each.prompt(), each.output(), each.drawn(), each.base()))
              .join();
      shares.add(AttributionMethod.Shares.of(evidence.divide(), of.names()));
    }
    double millis = (System.nanoTime() - start) / 1e6 / of.questions().size();
    System.out.printf("influence, spans and shares: %.1f ms an answer%n", millis);
    return new AttributionMethod(VersionIndex.METHOD, shares);
  }
}
