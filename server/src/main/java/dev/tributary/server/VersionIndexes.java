package dev.tributary.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.ContributionRecord;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.Repeats;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.Trained;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.ingest.Clusters;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.rpc.Indexing;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Contribution;
import dev.tributary.server.state.Contributions;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.ContributionReader;
import dev.tributary.server.train.DataException;
import dev.tributary.server.train.DataLimits;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.ExampleTokens;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Attribution indexes of versions: found in DATA/attribution, or built when a version whose
/// examples are known is first read. Thread safe.
///
/// Examples are known of what was trained here, and of folders with a `contributions.jsonl` beside
/// their weights, whose lines are registered as contributions of the folder's tenant then.
final class VersionIndexes {
  /// Beside a folder's weights.
  static final String FILE = "contributions.jsonl";

  /// Most tokens of an example.
  private static final int EXAMPLE_TOKENS = 1_024;

  private static final long ACTIVATION_BYTES = 1L << 28;

  /// Bytes of indexes in memory; the last one that was used stays in any case.
  private static final long MEMORY = 512L << 20;

  /// Appends that wait for the disk together.
  private static final int WINDOW = 256;

  private static final String LICENCE = "NOASSERTION";

  private static final Logger log = LoggerFactory.getLogger(VersionIndexes.class);

  private final Path root;
  private final Llama llama;
  private final Engine engine;
  private final ExampleTokens encoder;
  private final Tokenizer tokenizer;
  private final Ledger ledger;
  private final Contributions contributions;
  private final BiFunction<String, String, Optional<Dataset>> kept;
  private final InstantSource time;

  /// The one used last is the last.
  @GuardedBy("this")
  private final Map<Path, VersionIndex> open = new LinkedHashMap<>(16, 0.75f, true);

  /// Of builds; beside what answers are looked up in, which goes on meanwhile.
  private final Object building = new Object();

  private final List<Watched> watchers = new CopyOnWriteArrayList<>();

  /// Who is told of builds of an index.
  private record Watched(Path folder, IndexBuild.Progress progress) {}

  /// What a version was trained on.
  private record Given(String manifest, List<Example> examples) {}

  /// @param kept examples of a tenant's manifest, as far as they are kept
  VersionIndexes(
      Path root,
      Llama llama,
      Engine engine,
      ExampleTokens encoder,
      Tokenizer tokenizer,
      Ledger ledger,
      Contributions contributions,
      BiFunction<String, String, Optional<Dataset>> kept,
      InstantSource time) {
    this.root = root;
    this.llama = llama;
    this.engine = engine;
    this.encoder = encoder;
    this.tokenizer = tokenizer;
    this.ledger = ledger;
    this.contributions = contributions;
    this.kept = kept;
    this.time = time;
  }

  /// Tells of each step of building a version's index, until the watch is closed.
  Indexing.Watch watch(VersionRecord version, IndexBuild.Progress progress) {
    Watched watched = new Watched(folder(version), progress);
    watchers.add(watched);
    return () -> watchers.remove(watched);
  }

  private void tell(Path folder, int done, int all) {
    for (Watched each : watchers) {
      if (each.folder.equals(folder)) {
        each.progress.tell(done, all);
      }
    }
  }

  /// Whether a version's examples are known.
  boolean isKnown(VersionRecord version) {
    String manifest = version.facts().manifestDigest();
    return manifest.isEmpty()
        ? file(version) != null
        : kept.apply(version.adapter().tenant(), manifest).isPresent();
  }

  /// What says what a folder was trained on; null if nothing does.
  private static @Nullable Path file(VersionRecord version) {
    Path folder = version.facts().folder();
    return folder != null && Files.isRegularFile(folder.resolve(FILE))
        ? folder.resolve(FILE)
        : null;
  }

  /// The index of a version, if it has one.
  ///
  /// @throws IOException if it is damaged
  Optional<VersionIndex> find(String tenant, String digest) throws IOException {
    Path folder = folder(tenant, digest);
    synchronized (this) {
      VersionIndex known = open.get(folder);
      if (known != null) {
        return Optional.of(known);
      }
    }
    if (!VersionIndex.isIn(folder)) {
      return Optional.empty();
    }
    VersionIndex index = VersionIndex.open(folder);
    synchronized (this) {
      open.put(folder, index);
      long bytes = open.values().stream().mapToLong(VersionIndex::bytes).sum();
      var oldest = open.values().iterator();
      while (bytes > MEMORY && open.size() > 1) {
        bytes -= oldest.next().bytes();
        oldest.remove();
      }
    }
    return Optional.of(index);
  }

  /// The index of a version, built if its examples are known and it is not there.
  ///
  /// @return empty if they are not known, or nothing can be said by them
  /// @throws IOException if it cannot be read or built
  /// @throws DataException if its folder's examples are no examples
  Optional<VersionIndex> build(VersionRecord version, LoraWeights weights) throws IOException {
    synchronized (building) {
      return buildAlone(version, weights);
    }
  }

  private Optional<VersionIndex> buildAlone(VersionRecord version, LoraWeights weights)
      throws IOException {
    AdapterName adapter = version.adapter();
    Optional<VersionIndex> known = find(adapter.tenant(), version.facts().digest());
    if (known.isPresent() || weights.alone()) {
      return known;
    }
    Optional<Given> given = given(version);
    if (given.isEmpty()) {
      return Optional.empty();
    }
    String unfit = unfit(weights, given.get().examples.size());
    if (unfit != null) {
      log.warn(
          "{} version {} cannot be indexed, its answers stay unattributed: {}",
          adapter,
          version.number(),
          unfit);
      return Optional.empty();
    }
    Path folder = folder(version);
    Path part = folder.resolveSibling(folder.getFileName() + ".part");
    delete(part);
    Files.createDirectories(part);
    long start = System.nanoTime();
    build(part, version, weights, given.get());
    delete(folder);
    Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
    if (watchers.stream().noneMatch(each -> each.folder.equals(folder))) {
      log.info(
          "indexed the {} examples of {} version {} in {} s",
          given.get().examples.size(),
          adapter,
          version.number(),
          Math.round((System.nanoTime() - start) / 1e9));
    }
    return find(adapter.tenant(), version.facts().digest());
  }

  /// Why no index can be built; null if one can.
  private @Nullable String unfit(LoraWeights weights, int examples) {
    if (examples > IndexBuild.MOST_CLUSTERS) {
      return "%,d examples, can be %,d at most".formatted(examples, IndexBuild.MOST_CLUSTERS);
    }
    SketchForm form = SketchForm.of(llama.config());
    return weights.pairs().keySet().stream().anyMatch(site -> site.layer() >= form.lowestLayer())
        ? null
        : "it changes no layer from %d on".formatted(form.lowestLayer());
  }

  private void build(Path part, VersionRecord version, LoraWeights weights, Given given)
      throws IOException {
    Path folder = folder(version);
    IndexBuild.Progress told = (done, all) -> tell(folder, done, all);
    int longest = given.examples.stream().mapToInt(each -> each.tokens().length).max().orElse(1);
    try (GradientPass pass = new GradientPass(llama, Math.max(512, longest), ACTIVATION_BYTES)) {
      List<Sequence> sequences =
          given.examples.stream()
              .map(each -> new Sequence(each.tokens(), each.targetsFrom()))
              .toList();
      List<Repeats.Repeat> repeats =
          new IndexBuild(pass, this::run, tokenizer.vocabularySize(), this::decoy, told)
              .build(
                  part,
                  new IndexBuild.Version(
                      version.facts().digest(), version.facts().baseDigest(), given.manifest),
                  weights,
                  SketchForm.of(llama.config()),
                  new Trained(
                      sequences,
                      given.examples.stream().map(Example::contributor).toList(),
                      heads(version.adapter(), given.examples)));
      for (Repeats.Repeat repeat : repeats) {
        tell(
            version.adapter(),
            repeat.example(),
            given.examples.get(repeat.example()).contributor(),
            repeat.head(),
            given.examples.get(repeat.head()).contributor());
      }
    }
  }

  /// Of examples of two contributors.
  private static void tell(
      AdapterName adapter, int example, String contributor, int head, String headContributor) {
    if (!contributor.equals(headContributor)) {
      log.warn(
          "{}: example {} of {} says what example {} of {} does, who is credited",
          adapter,
          example + 1,
          contributor,
          head + 1,
          headContributor);
    }
  }

  private CompletableFuture<Void> run(BooleanSupplier pieces) {
    return engine.background(pieces);
  }

  /// What says the same is one, and its first contributor's: see [Clusters].
  private int[] heads(AdapterName adapter, List<Example> examples) {
    Clusters clusters =
        Clusters.ofConversations(
            examples.stream()
                .map(
                    each ->
                        new dev.tributary.server.ingest.Example(each.contributor(), each.tokens()))
                .toList(),
            this::isNumber);
    for (Clusters.Merge merge : clusters.merges()) {
      tell(adapter, merge.example(), merge.contributor(), merge.head(), merge.headContributor());
    }
    return clusters.headOfEach();
  }

  private boolean isNumber(int token) {
    for (byte value : tokenizer.bytes(token)) {
      if (value >= '0' && value <= '9') {
        return true;
      }
    }
    return false;
  }

  private Sequence decoy(int @Nullable [] prompt, String question, String answer) {
    try {
      ExampleTokens.Encoded encoded =
          encoder.encode(
              List.of(new Message("user", question), new Message("assistant", answer)),
              EXAMPLE_TOKENS);
      int[] own = encoded.tokens();
      if (prompt == null) {
        return new Sequence(own, encoded.targetsFrom());
      }
      int[] tail = Arrays.copyOfRange(own, encoded.targetsFrom(), own.length);
      int[] all = Arrays.copyOf(prompt, prompt.length + tail.length);
      System.arraycopy(tail, 0, all, prompt.length, tail.length);
      return new Sequence(all, prompt.length);
    } catch (ExampleTokens.TooLong e) {
      throw new IllegalStateException("a decoy is too long", e);
    }
  }

  private Optional<Given> given(VersionRecord version) throws IOException {
    String manifest = version.facts().manifestDigest();
    if (!manifest.isEmpty()) {
      return kept.apply(version.adapter().tenant(), manifest)
          .map(dataset -> new Given(manifest, dataset.examples()));
    }
    Path file = file(version);
    if (file == null) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(file)) {
      Dataset dataset =
          ContributionReader.read(
              in, encoder, DataLimits.of(EXAMPLE_TOKENS), ContributionReader.Exclusion.NONE);
      log.debug("{}: {}", file, dataset.report());
      return Optional.of(
          new Given(register(version.adapter(), dataset.examples()), dataset.examples()));
    }
  }

  /// Their leaves first, then the state learns of them.
  private String register(AdapterName adapter, List<Example> examples) {
    long now = ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
    List<Long> leaves = new ArrayList<>();
    for (int from = 0; from < examples.size(); from += WINDOW) {
      examples.subList(from, Math.min(examples.size(), from + WINDOW)).stream()
          .map(
              each ->
                  ledger.append(
                      new ContributionRecord(
                          each.contributor(), each.digest(), LICENCE, adapter.name(), now)))
          .toList()
          .forEach(append -> leaves.add(append.join()));
    }
    var unused = ledger.log().covering(leaves.getLast()).join();
    List<Hash> hashes = leaves.stream().map(leaf -> ledger.entry(leaf).leaf().hash()).toList();
    String manifest = Merkle.root(hashes).text();
    contributions.register(
        adapter.tenant(),
        manifest,
        IntStream.range(0, leaves.size())
            .mapToObj(i -> new Contribution(hashes.get(i).text(), leaves.get(i)))
            .toList());
    return manifest;
  }

  private Path folder(VersionRecord version) {
    return folder(version.adapter().tenant(), version.facts().digest());
  }

  private Path folder(String tenant, String digest) {
    return root.resolve(tenant).resolve(digest.substring(digest.indexOf(':') + 1));
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
