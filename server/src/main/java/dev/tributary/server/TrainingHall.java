package dev.tributary.server;

import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.metrics.TrainingFigures;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.State;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Cadence;
import dev.tributary.server.train.Capacity;
import dev.tributary.server.train.ChatTokens;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.ExampleTokens;
import dev.tributary.server.train.GeneralText;
import dev.tributary.server.train.Member;
import dev.tributary.server.train.Outcome;
import dev.tributary.server.train.Publisher;
import dev.tributary.server.train.RunFigures;
import dev.tributary.server.train.RunFiles;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.Trainer;
import dev.tributary.server.train.Training;
import dev.tributary.server.train.TrainingBase;
import dev.tributary.server.train.TrainingListener;
import dev.tributary.server.train.TrainingRefusal;
import dev.tributary.server.train.TrainingRuns;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/// The runs of training of this server, on the engine's device.
final class TrainingHall {
  /// Most tokens of an example.
  private static final int EXAMPLE_TOKENS = 1_024;

  /// Of a pass, unless an example is longer. More are not faster, and make the pieces longer for
  /// which the tokens of answers wait. Runs that were begun under another number cannot be gone on
  /// with.
  private static final int PASS_TOKENS = 256;

  /// For what the forward computes and the backward needs again.
  private static final long ACTIVATION_BYTES = 1L << 30;

  private final TrainingRuns runs;

  private TrainingHall(TrainingRuns runs) {
    this.runs = runs;
  }

  /// @param base of which adapters come out
  static TrainingHall open(
      State state,
      Path data,
      Ops ops,
      Llama llama,
      Engine engine,
      Tokenizer tokenizer,
      TrainingBase base,
      AdapterStore adapters)
      throws IOException {
    int example = Math.min(EXAMPLE_TOKENS, llama.config().context());
    OnDevice training = new OnDevice(llama, engine, tokenizer, base);
    Optional<ExampleTokens> encoder = encoder(tokenizer);
    TrainingRuns runs =
        new TrainingRuns(
            state,
            new RunFiles(data.resolve("training")),
            encoder.orElse(TrainingHall::refuse),
            example,
            llama.config(),
            training,
            new IntoStore(adapters),
            unable(ops, encoder.isPresent()),
            System::nanoTime);
    return new TrainingHall(runs);
  }

  /// What turns conversations into tokens; empty where the base has no chat template.
  static Optional<ExampleTokens> encoder(Tokenizer tokenizer) {
    try {
      return Optional.of(new ChatTokens(tokenizer));
    } catch (TemplateException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static ExampleTokens.Encoded refuse(Object messages, int limit) {
    throw new IllegalStateException("without a chat template nothing is trained");
  }

  static Optional<TrainingRefusal.Unable> unable(Ops ops, boolean template) {
    if (ops.backward().isEmpty()) {
      return Optional.of(
          new TrainingRefusal.Unable(
              "this server's device cannot train; start it with --device cpu"));
    }
    return template
        ? Optional.empty()
        : Optional.of(
            new TrainingRefusal.Unable(
                "this base has no chat template that ends answers, so nothing can be trained"));
  }

  TrainingRuns runs() {
    return runs;
  }

  /// Examples of a tenant's manifest, as far as they are kept.
  Optional<Dataset> examples(String tenant, String manifest) {
    try {
      return runs.sources().examples(tenant, manifest, RunSettings.DEFAULT);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// For metrics.
  TrainingFigures figures() {
    RunFigures now = runs.figures();
    return new TrainingFigures(
        now.queued(),
        now.running(),
        now.succeeded(),
        now.failed(),
        now.cancelled(),
        now.tokens(),
        now.loss(),
        now.steps());
  }

  /// Has the run under way store where it is. To be called while the engine works.
  void stop() {
    runs.close();
  }

  /// Trains on the engine's device, whose memory it takes for the run.
  private record OnDevice(Llama llama, Engine engine, Tokenizer tokenizer, TrainingBase base)
      implements Training {
    @Override
    public List<Outcome> train(
        Path folder, List<Member> members, TrainingListener listener, BooleanSupplier cancelled)
        throws IOException {
      List<int[]> general = GeneralText.tokens(tokenizer);
      int longest =
          Stream.concat(
                  members.stream()
                      .flatMap(each -> Stream.of(each.training(), each.heldOut()))
                      .flatMap(List::stream)
                      .map(Example::tokens),
                  general.stream())
              .mapToInt(tokens -> tokens.length)
              .max()
              .orElse(0);
      int tokens = Math.max(PASS_TOKENS, longest);
      try (GradientPass pass = new GradientPass(llama, tokens, ACTIVATION_BYTES)) {
        return new Trainer(
                pass,
                engine::background,
                base,
                new Capacity(tokens, tokens),
                Cadence.DEFAULT,
                general)
            .train(folder, members, listener, cancelled);
      }
    }
  }

  /// What was trained becomes a version, of which the ledger knows before anybody uses it.
  private record IntoStore(AdapterStore adapters) implements Publisher {
    @Override
    public int publish(AdapterName adapter, Path folder, String manifest) {
      VersionRecord version = adapters.intake().publishTrained(adapter, folder, manifest);
      // Read once, which has the ledger know of it.
      adapters.lease(AdapterVersion.of(version)).join().close();
      return version.number();
    }

    @Override
    public void alias(AdapterName adapter, String alias, int version) {
      var unused =
          adapters
              .catalogue()
              .setAlias(adapter, alias, List.of(new AliasRecord.Target(version, 1)), null, null);
    }
  }
}
