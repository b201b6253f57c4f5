package dev.tributary.server;

import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.attribution.Attributor;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.rpc.Attributing;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.state.State;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.ExampleTokens;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// Attribution on this server's device; on one without a backward pass, and without a ledger, all
/// answers stay unattributed.
final class AttributionHall implements AutoCloseable {
  /// Most tokens of an answer with its prompt.
  private static final int TOKENS = 1_024;

  /// For what the forward computes and the backward needs again.
  private static final long ACTIVATION_BYTES = 1L << 28;

  private final @Nullable VersionIndexes indexes;
  private final @Nullable AttributionDesk desk;

  private AttributionHall(@Nullable VersionIndexes indexes, @Nullable AttributionDesk desk) {
    this.indexes = indexes;
    this.desk = desk;
  }

  /// @param encoder of examples; empty where the base has no chat template
  /// @param kept examples of a tenant's manifest, as far as they are kept
  static AttributionHall open(
      Path data,
      Ops ops,
      Llama llama,
      Engine engine,
      Tokenizer tokenizer,
      Optional<ExampleTokens> encoder,
      @Nullable Books books,
      State state,
      BiFunction<String, String, Optional<Dataset>> kept) {
    if (books == null || encoder.isEmpty() || ops.backward().isEmpty()) {
      return new AttributionHall(null, null);
    }
    GradientPass pass;
    try {
      pass = new GradientPass(llama, Math.min(TOKENS, llama.config().context()), ACTIVATION_BYTES);
    } catch (ModelException e) {
      return new AttributionHall(null, null); // Of this family no gradient is known here.
    }
    VersionIndexes indexes =
        new VersionIndexes(
            data.resolve("attribution"),
            llama,
            engine,
            encoder.get(),
            tokenizer,
            books.ledger(),
            state.contributions(),
            kept,
            InstantSource.system());
    return new AttributionHall(
        indexes,
        new AttributionDesk(engine, indexes, new Attributor(pass, engine::background, tokenizer)));
  }

  Attributing attributing() {
    return desk == null ? Attributing.NONE : desk;
  }

  /// The index of a version, built if its examples are known.
  Optional<VersionIndex> index(VersionRecord version, LoraWeights weights) throws IOException {
    return indexes == null ? Optional.empty() : indexes.build(version, weights);
  }

  /// Indexes the folders that say what they were trained on, before anybody waits for it.
  void indexFolders(AdapterStore adapters, List<AdapterInfo> offered, PrintStream out) {
    if (indexes == null) {
      return;
    }
    for (AdapterInfo each : offered) {
      VersionRecord version = each.prod() == null ? null : each.prod().version();
      if (version == null || each.refusal() != null || !indexes.isDue(version)) {
        continue;
      }
      out.printf("indexing  %s, whose examples attribution looks answers up in%n", each.name());
      indexes.watch(new Percent(out));
      try {
        adapters.lease(AdapterVersion.of(version)).join().close();
      } catch (CompletionException e) {
        out.printf("          %s cannot be indexed: %s%n", each.name(), e.getCause());
      }
      indexes.watch((done, all) -> {});
    }
  }

  /// A line every quarter.
  private static final class Percent implements IndexBuild.Progress {
    private final PrintStream out;
    private int told;

    Percent(PrintStream out) {
      this.out = out;
    }

    @Override
    public void tell(int done, int all) {
      int quarter = (int) (4L * done / all);
      if (quarter > told) {
        told = quarter;
        out.printf("          %d%% of %,d sequences%n", 25 * quarter, all);
      }
    }
  }

  /// To be called when the engine works no more.
  @Override
  public void close() {
    if (desk != null) {
      desk.close();
    }
  }
}
