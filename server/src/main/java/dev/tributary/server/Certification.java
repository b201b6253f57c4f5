package dev.tributary.server;

import dev.tributary.identity.BaseDigest;
import dev.tributary.server.model.Certificate;
import dev.tributary.server.model.Certificate.Format;
import dev.tributary.server.model.Comparison;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.model.SourcePass;
import dev.tributary.server.rpc.Certifier;
import dev.tributary.server.rpc.SourceException;
import dev.tributary.server.rpc.SourceRefusal;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.StoredTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Measures what the resident base's four bits cost, on the engine's thread between its steps, and
/// keeps what it found.
final class Certification implements Certifier {
  /// What it stands on.
  ///
  /// @param formats how the base's file holds its weights ([Certification#formats])
  /// @param ops on which sources are computed, the engine's thread calling; null where the device's
  ///   memory is not the host's
  /// @param device runs pieces on the engine's thread ([dev.tributary.server.engine.Engine])
  /// @param freeMemory bytes
  /// @param importRoot below which sources lie; null: nowhere
  record Surroundings(
      String digest,
      List<Format> formats,
      Tokenizer tokenizer,
      Llama llama,
      @Nullable Ops ops,
      Function<BooleanSupplier, CompletableFuture<Void>> device,
      LongSupplier freeMemory,
      @Nullable Path importRoot,
      InstantSource time) {}

  private final Surroundings here;
  private final CertificateFiles files;
  private final AtomicBoolean busy = new AtomicBoolean();

  /// @param folder where certificates are kept
  Certification(Surroundings here, Path folder) {
    this.here = here;
    files = new CertificateFiles(folder);
  }

  @Override
  public List<Certificate> kept() {
    try {
      return files.of(here.digest);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Run begin(String source) {
    if (!busy.compareAndSet(false, true)) {
      throw new SourceException(new SourceRefusal.Busy());
    }
    boolean begun = false;
    try {
      Run run = open(source);
      begun = true;
      return run;
    } finally {
      if (!begun) {
        busy.set(false);
      }
    }
  }

  private Run open(String named) {
    Ops ops = here.ops;
    if (ops == null) {
      throw new SourceException(new SourceRefusal.NoDevice());
    }
    LlamaConfig config = here.llama.config();
    SourceModel source =
        SourceModel.open(here.importRoot, named, new SourceModel.Base(config, here.tokenizer));
    CertificateTexts texts =
        CertificateTexts.of(here.tokenizer, Math.min(config.context(), source.config().context()));
    long needed = Comparison.bytes(config, texts.longest());
    long free = here.freeMemory.getAsLong();
    if (needed > free) {
      throw new SourceException(new SourceRefusal.NoMemory(needed, free));
    }
    SourcePass pass;
    try {
      pass = new SourcePass(source.checkpoint(), source.config(), ops, texts.longest());
    } catch (ModelException e) {
      throw SourceModel.unusable(named, e);
    }
    boolean begun = false;
    try {
      Run run = new Measuring(named, source, texts, pass);
      begun = true;
      return run;
    } finally {
      if (!begun) {
        pass.close(); // the engine takes no more work
      }
    }
  }

  /// A file's tensors by how they are held, most weights first.
  static List<Format> formats(Checkpoint checkpoint) {
    Map<String, Format> byType = new TreeMap<>();
    for (String name : checkpoint.tensorNames()) {
      StoredTensor tensor = checkpoint.tensor(name);
      String type = tensor.type().name();
      byType.merge(
          type,
          new Format(type, 1, (long) tensor.rows() * tensor.cols()),
          (a, b) -> new Format(type, a.tensors() + b.tensors(), a.weights() + b.weights()));
    }
    return byType.values().stream()
        .sorted(Comparator.comparingLong(Format::weights).reversed())
        .toList();
  }

  /// A comparison on the engine's thread.
  private final class Measuring implements Run {
    private final String named;
    private final SourceModel source;
    private final CertificateTexts texts;
    private final SourcePass pass;
    private final CompletableFuture<Void> ended;
    private final CompletableFuture<Certificate> result;
    private final int total;
    private volatile @Nullable Comparison comparison;
    private volatile @Nullable ModelException problem;
    private volatile boolean givenUp;

    Measuring(String named, SourceModel source, CertificateTexts texts, SourcePass pass) {
      this.named = named;
      this.source = source;
      this.texts = texts;
      this.pass = pass;
      total = texts.texts().stream().mapToInt(text -> text.tokens().length - 1).sum();
      ended = here.device.apply(this::advance);
      result = ended.thenApplyAsync(nothing -> certificate(), Measuring::start);
    }

    private static void start(Runnable work) {
      Thread unused = Thread.ofVirtual().name("certificate").start(work);
    }

    /// On the engine's thread.
    private boolean advance() {
      if (givenUp) {
        return false;
      }
      Comparison begun = comparison;
      if (begun == null) {
        comparison = new Comparison(here.llama, pass, texts.texts());
        return true;
      }
      try {
        return begun.advance();
      } catch (ModelException e) {
        problem = e;
        return false;
      }
    }

    private Certificate certificate() {
      ModelException found = problem;
      if (found != null) {
        throw SourceModel.unusable(named, found);
      }
      if (givenUp) {
        throw new CancellationException();
      }
      return keep();
    }

    private Certificate keep() {
      Comparison complete = Objects.requireNonNull(comparison);
      try {
        Certificate found =
            new Certificate(
                here.digest,
                BaseDigest.of(source.path()),
                texts.digest(),
                here.time.instant().getEpochSecond(),
                here.formats,
                formats(source.checkpoint()),
                complete.slices(),
                complete.all(),
                texts.leftOut());
        files.keep(found);
        return found;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public int done() {
      Comparison begun = comparison;
      return begun == null ? 0 : begun.done();
    }

    @Override
    public int total() {
      return total;
    }

    @Override
    public CompletableFuture<Certificate> result() {
      return result;
    }

    /// Waits for the piece under way, a few milliseconds: its memory is freed here.
    @Override
    public void close() {
      givenUp = true;
      ended.handle((nothing, failure) -> true).join();
      pass.close();
      busy.set(false);
    }
  }
}
