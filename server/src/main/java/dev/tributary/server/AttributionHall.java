package dev.tributary.server;

import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.adapter.AdapterInfo;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.attribution.Attributor;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.rpc.Attributing;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.rpc.Indexing;
import dev.tributary.server.state.State;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.ExampleTokens;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Attribution on this server's device; on one without a backward pass, and without a ledger, all
/// answers stay unattributed.
final class AttributionHall implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AttributionHall.class);

  /// Most tokens of an answer with its prompt.
  private static final int TOKENS = 1_024;

  /// For what the forward computes and the backward needs again.
  private static final long ACTIVATION_BYTES = 1L << 28;

  private final @Nullable Lookup lookup;
  private final @Nullable AttributionDesk desk;

  private AttributionHall(@Nullable Lookup lookup, @Nullable AttributionDesk desk) {
    this.lookup = lookup;
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
        new Lookup(indexes, books.accounts()),
        new AttributionDesk(engine, indexes, new Attributor(pass, engine::background, tokenizer)));
  }

  Attributing attributing() {
    return desk == null ? Attributing.NONE : desk;
  }

  /// The index of a version, built if its examples are known.
  Optional<VersionIndex> index(VersionRecord version, LoraWeights weights) throws IOException {
    return lookup == null ? Optional.empty() : lookup.indexes.build(version, weights);
  }

  Indexing indexing() {
    return lookup == null ? Indexing.NONE : lookup;
  }

  /// What versions have, by the ledger and by their indexes.
  private record Lookup(VersionIndexes indexes, Accounts accounts) implements Indexing {
    @Override
    public Standing of(VersionRecord version) {
      VersionFacts facts = version.facts();
      String tenant = version.adapter().tenant();
      Optional<VersionIndex> index;
      try {
        index = indexes.find(tenant, facts.digest());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      if (index.isPresent()) {
        VersionIndex.About about = index.get().about();
        return new Indexed(
            about.method(),
            index.get().digest().text(),
            about.thresholds(),
            about.clusters().size());
      }
      if (accounts.build(tenant, Hash.ofText(facts.digest())).isPresent()) {
        return new Impossible(Reason.RECORDED);
      }
      if (facts.alone()) {
        return new Impossible(Reason.PARTS);
      }
      return indexes.isKnown(version) ? new Due() : new Impossible(Reason.EXAMPLES);
    }

    @Override
    public Watch watch(VersionRecord version, Progress progress) {
      return indexes.watch(version, progress::tell);
    }
  }

  /// Indexes the folders that say what they were trained on, before anybody waits for it.
  void indexFolders(AdapterStore adapters, List<AdapterInfo> offered, PrintStream out) {
    Indexing indexing = indexing();
    for (AdapterInfo each : offered) {
      VersionRecord version = each.prod() == null ? null : each.prod().version();
      if (version == null
          || each.refusal() != null
          || !(indexing.of(version) instanceof Indexing.Due)) {
        continue;
      }
      out.printf("indexing  %s, once, to tell whose data its answers come from%n", each.name());
      long start = System.nanoTime();
      try (Indexing.Watch watch = indexing.watch(version, new Percent(out))) {
        adapters.lease(AdapterVersion.of(version)).join().close();
        out.printf("          done in %.0f s%n", (System.nanoTime() - start) / 1e9);
      } catch (CompletionException e) {
        Throwable why = e.getCause() == null ? e : e.getCause();
        log.debug("{} cannot be indexed", each.name(), why);
        out.printf("          not done, so it is not served: %s%n", why.getMessage());
      }
    }
  }

  /// A line every quarter.
  private static final class Percent implements Indexing.Progress {
    private final PrintStream out;
    private int told;

    Percent(PrintStream out) {
      this.out = out;
    }

    @Override
    public void tell(int done, int all) {
      int quarter = (int) (4L * done / all);
      if (quarter > told && done < all) {
        told = quarter;
        out.printf("          %d%%%n", 25 * quarter);
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
