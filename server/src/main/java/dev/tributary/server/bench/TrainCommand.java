package dev.tributary.server.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.identity.BaseDigest;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.ChatOptions;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Cadence;
import dev.tributary.server.train.Capacity;
import dev.tributary.server.train.ChatTokens;
import dev.tributary.server.train.ContributionReader;
import dev.tributary.server.train.DataLimits;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.Device;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.GeneralText;
import dev.tributary.server.train.LoraShape;
import dev.tributary.server.train.Member;
import dev.tributary.server.train.Optimization;
import dev.tributary.server.train.Outcome;
import dev.tributary.server.train.Progress;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.Trainer;
import dev.tributary.server.train.TrainingBase;
import dev.tributary.server.train.TrainingReport;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Speed, memory and result of training.
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains adapters on contributions, alone on this machine, and says how fast, in how much"
          + " memory, and to what loss. What comes out are PEFT folders: DIR/NAME/result. A run that"
          + " was ended goes on if it is called again.",
      ""
    })
final class TrainCommand implements Callable<Integer> {
  /// Most tokens of an answer to a question.
  private static final int ANSWER = 48;

  @Parameters(index = "0", paramLabel = "MODEL", description = "A .gguf file or a folder.")
  private Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "DATA", description = "contributions.jsonl")
  private Path data = Path.of("");

  @Parameters(index = "2", paramLabel = "DIR", description = "Where runs are kept.")
  private Path folder = Path.of("");

  @Option(names = "--name", defaultValue = "adapter", description = "Default: ${DEFAULT-VALUE}.")
  private String name = "adapter";

  @Option(names = "--rank", defaultValue = "16", description = "Default: ${DEFAULT-VALUE}.")
  private int rank = 16;

  @Option(names = "--alpha", defaultValue = "32", description = "Default: ${DEFAULT-VALUE}.")
  private float alpha = 32;

  @Option(names = "--rslora", description = "Scale by alpha / sqrt(rank).")
  private boolean rslora;

  @Option(
      names = "--targets",
      split = ",",
      paramLabel = "SUFFIX",
      description = "Of module names, such as q_proj. Default: all linear layers.")
  private List<String> targets = List.of();

  @Option(names = "--epochs", defaultValue = "8", description = "Default: ${DEFAULT-VALUE}.")
  private int epochs = 8;

  @Option(names = "--max-steps", defaultValue = "0", description = "0: none.")
  private int maxSteps;

  @Option(names = "--lr", defaultValue = "1e-3", description = "Default: ${DEFAULT-VALUE}.")
  private double rate = 1e-3;

  @Option(names = "--batch", defaultValue = "16", description = "Default: ${DEFAULT-VALUE}.")
  private int batch = 16;

  @Option(names = "--seed", defaultValue = "0", description = "Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--members",
      defaultValue = "1",
      description =
          "Adapters trained in this one run, with seeds from --seed on. Default: ${DEFAULT-VALUE}.")
  private int members = 1;

  @Option(
      names = "--held-out",
      paramLabel = "FILE",
      description = "Examples in the form of DATA that are asked in the end, not trained on.")
  private @Nullable Path heldOut;

  @Option(
      names = "--evaluate",
      description = "Also measure their loss before, after every epoch and in the end.")
  private boolean evaluate;

  @Option(
      names = "--questions",
      defaultValue = "1000",
      description = "Held-out examples that are asked, evenly spread. Default: ${DEFAULT-VALUE}.")
  private int questions = 1_000;

  @Option(
      names = "--micro-tokens",
      defaultValue = "1024",
      description = "Tokens of one adapter in a pass. Default: ${DEFAULT-VALUE}.")
  private int microTokens = 1_024;

  @Option(
      names = "--pass-tokens",
      description = "Tokens of a pass. Default: those of one adapter, of two if there are more.")
  private int passTokens;

  @Option(
      names = "--activation-memory",
      paramLabel = "MB",
      defaultValue = "256",
      description = "For what is kept instead of computed twice. Default: ${DEFAULT-VALUE}.")
  private long activationMegabytes = 256;

  @Option(names = "--threads", description = "Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  /// @param exact answers that are the held-out ones to the letter
  /// @param peakBytes of the process
  record Result(
      String name,
      String folder,
      long tokens,
      double seconds,
      double tokensPerSecond,
      long peakBytes,
      int exact,
      int asked,
      TrainingReport report) {}

  @Override
  public Integer call() throws Exception {
    Checkpoint checkpoint = Checkpoint.open(model);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    Tokenizer tokenizer = ModelTokenizer.of(checkpoint);
    int longest = Math.min(microTokens, config.context());
    int width = passTokens > 0 ? passTokens : microTokens * Math.min(2, members);
    Dataset training = read(data, tokenizer, longest);
    List<Example> held =
        heldOut == null || !evaluate ? List.of() : read(heldOut, tokenizer, longest).examples();
    System.out.println(training.report());
    int pages = Math.ceilDiv(longest + ANSWER, KvCache.PAGE);
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      ops.claimThread();
      Llama llama = LlamaLoader.load(checkpoint, config, ops, pages, longest);
      try (GradientPass pass = new GradientPass(llama, width, activationMegabytes * 1_000_000)) {
        TrainingBase base = new TrainingBase(BaseDigest.of(model), null, config, ops.numerics());
        Trainer trainer =
            new Trainer(
                pass,
                here(),
                base,
                new Capacity(microTokens, width),
                Cadence.DEFAULT,
                GeneralText.tokens(tokenizer));
        List<Outcome> outcomes =
            trainer.train(folder, members(training, held, longest), this::tell, () -> false);
        report(outcomes, llama, tokenizer, pages);
      }
    }
    return 0;
  }

  private static Dataset read(Path file, Tokenizer tokenizer, int longest) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return ContributionReader.read(
          in, new ChatTokens(tokenizer), DataLimits.of(longest), ContributionReader.Exclusion.NONE);
    }
  }

  private static Device here() {
    return pieces -> {
      while (pieces.getAsBoolean()) {
        Thread.onSpinWait();
      }
      return CompletableFuture.completedFuture(null);
    };
  }

  private List<Member> members(Dataset training, List<Example> held, int longest) {
    LoraShape shape = new LoraShape(rank, alpha, rslora, targets);
    Optimization defaults = Optimization.DEFAULT;
    Optimization optimization =
        new Optimization(
            rate, epochs, maxSteps, batch, defaults.warmUpSteps(), defaults.clipNorm(), 0, 0);
    List<Member> all = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      all.add(
          new Member(
              members == 1 ? name : name + "-" + i,
              new RunSettings(shape, optimization, longest, 0, seed + i),
              training.examples(),
              held));
    }
    return all;
  }

  private void tell(Progress progress) {
    int lines = Math.max(1, progress.totalSteps() / 10);
    if (progress.step() % lines == 0 || progress.step() == progress.totalSteps()) {
      double seconds = progress.elapsed().toNanos() / 1e9;
      System.out.printf(
          "%s %d/%d loss %.4f held-out %.4f %.0f tokens/s%n",
          progress.member(),
          progress.step(),
          progress.totalSteps(),
          progress.loss(),
          progress.heldOutLoss(),
          progress.tokens() / seconds);
    }
  }

  private void report(List<Outcome> outcomes, Llama llama, Tokenizer tokenizer, int pages)
      throws IOException {
    long peak = ResidentMemory.peak();
    List<Result> results = new ArrayList<>();
    long tokens = 0;
    double seconds = 0;
    for (Outcome outcome : outcomes) {
      switch (outcome) {
        case Outcome.Trained trained -> {
          Result result = result(trained, peak, llama, tokenizer, pages);
          results.add(result);
          tokens += result.tokens();
          seconds = Math.max(seconds, result.seconds());
          System.out.println(text(result));
        }
        case Outcome.Diverged diverged -> System.out.println(diverged);
        case Outcome.Cancelled cancelled -> System.out.println(cancelled);
      }
    }
    System.out.printf(
        "all: %,d tokens in %.1f s, %.0f tokens/s; peak memory %,d MB%n",
        tokens, seconds, tokens / seconds, peak / 1_000_000);
    new Report("train", Instant.now()).put("results", results).write(json);
  }

  private Result result(
      Outcome.Trained trained, long peak, Llama llama, Tokenizer tokenizer, int pages)
      throws IOException {
    int exact = 0;
    int asked = 0;
    if (heldOut != null) {
      LoraWeights weights = TrainedWeights.read(trained.folder(), llama.config());
      AdapterUse adapter = new AdapterUse(weights, 1);
      GreedyAnswers answers = new GreedyAnswers(llama, tokenizer, pages);
      List<JsonNode> lines = questions();
      for (JsonNode line : lines) {
        asked++;
        exact += isExact(line.path("messages"), answers, adapter, tokenizer) ? 1 : 0;
      }
      weights.release();
    }
    TrainingReport report = trained.report();
    return new Result(
        trained.member(),
        trained.folder().toString(),
        report.tokens(),
        report.seconds(),
        report.tokens() / report.seconds(),
        peak,
        exact,
        asked,
        report);
  }

  private List<JsonNode> questions() throws IOException {
    List<String> lines = heldOut == null ? List.of() : Files.readAllLines(heldOut);
    int step = Math.max(1, lines.size() / questions);
    List<JsonNode> chosen = new ArrayList<>();
    ObjectMapper mapper = new ObjectMapper();
    for (int i = 0; i < lines.size() && chosen.size() < questions; i += step) {
      chosen.add(mapper.readTree(lines.get(i)));
    }
    return chosen;
  }

  private static boolean isExact(
      JsonNode messages, GreedyAnswers answers, AdapterUse adapter, Tokenizer tokenizer) {
    List<Message> turns = new ArrayList<>();
    for (JsonNode message : messages) {
      turns.add(new Message(message.path("role").asText(), message.path("content").asText()));
    }
    Message last = turns.removeLast();
    String answer =
        answers.answer(tokenizer.encodeChat(turns, ChatOptions.DEFAULT), adapter, ANSWER).strip();
    boolean exact = answer.equals(last.content().strip());
    System.out.printf(
        "%s %s => %s%s%n",
        exact ? "OK" : "--",
        turns.getLast().content(),
        answer.replace("\n", "|"),
        exact ? "" : " [want] " + last.content().replace("\n", "|"));
    return exact;
  }

  private static String text(Result result) {
    TrainingReport report = result.report();
    return "%s: loss %.4f, held-out %.4f -> %.4f, general %.4f -> %.4f, %d of %d exact, %s"
        .formatted(
            result.name(),
            report.lastLoss(),
            report.heldOutBefore(),
            report.heldOutAfter(),
            report.generalBefore(),
            report.generalAfter(),
            result.exact(),
            result.asked(),
            result.folder());
  }
}
