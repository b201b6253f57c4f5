package dev.tributary.server.attribution;

import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Builds the [VersionIndex] of an adapter version: sketches its clusters' gradients and as many
/// decoys', measures what the adapter learnt of each, fits the table.
///
/// A cluster's scores are weighted by how much better the adapter predicts it than it predicts what
/// it was not trained on, `w = 1 - (loss / base loss) / (the same of decoys)`, at least 0: who
/// lists data that were not trained on earns nothing. Decoys for that are own prompts with foreign
/// answers, so that an adapter's manner alone makes no difference.
public final class IndexBuild {
  /// Clusters that a version can have: the table grows with their square.
  public static final int MOST_CLUSTERS = 4_096;

  /// Decoys besides the clusters' own prompts with foreign answers.
  private static final int FOREIGN = 64;

  /// Prompts of decoys that have a foreign answer, at most.
  private static final int MOST_MIXED = 1_024;

  private static final double LAMBDA = 0.1;
  private static final long SEED = 20_240_501;
  private static final int ROOMS = 8;

  private final GradientPass pass;
  private final Device device;
  private final int vocabulary;
  private final Texts texts;
  private final Progress progress;
  private final Measures known;
  private int done;
  private int steps;

  /// Makes conversations of decoys.
  public interface Texts {
    /// @param prompt tokens of a prompt, to be answered so; null: `question` is the prompt
    Sequence conversation(int @Nullable [] prompt, String question, String answer);
  }

  /// What is indexed, by digests of the version, its base, and what it was trained on.
  public record Version(String adapter, String base, String manifest) {}

  /// Told how far it is.
  public interface Progress {
    void tell(int done, int all);
  }

  /// @param pass of as many tokens as the longest example has at least; used by this alone
  /// @param device that runs its pieces
  public IndexBuild(
      GradientPass pass, Device device, int vocabulary, Texts texts, Progress progress) {
    this(pass, device, vocabulary, texts, progress, new Measures());
  }

  /// @param known of the adapter that will be indexed; added to
  public IndexBuild(
      GradientPass pass,
      Device device,
      int vocabulary,
      Texts texts,
      Progress progress,
      Measures known) {
    this.pass = pass;
    this.device = device;
    this.vocabulary = vocabulary;
    this.texts = texts;
    this.progress = progress;
    this.known = known;
  }

  /// @param folder empty; written to
  /// @param listed joined as far as texts are nearly the same
  /// @return what joined besides
  /// @throws IllegalArgumentException if there are no examples, too many, or the adapter has other
  ///   parts than low-rank pairs, of which no gradient is known here
  public List<Repeats.Repeat> build(
      Path folder, Version version, LoraWeights weights, SketchForm form, Trained listed)
      throws IOException {
    if (weights.alone()) {
      throw new IllegalArgumentException("has parts besides low-rank pairs");
    }
    int[] all = listed.clusters();
    if (all.length == 0 || all.length > MOST_CLUSTERS) {
      throw new IllegalArgumentException(all.length + " clusters, must be 1 to " + MOST_CLUSTERS);
    }
    List<Sequence> foreign = foreign();
    done = 0;
    steps = 4 * all.length + FOREIGN;
    try (Sketcher sketcher = new Sketcher(pass, weights, form, 0, ROOMS)) {
      List<Repeats.Repeat> repeats =
          Repeats.of(listed, sketch(sketcher, examples(listed)).sketches);
      Trained trained = listed.joined(repeats);
      List<Sequence> clusters = examples(trained);
      List<Sequence> mixed = mixed(clusters);
      Sketched real = sketch(sketcher, clusters);
      Sketched own = sketch(sketcher, mixed);
      List<Sketch> decoys = new ArrayList<>(own.sketches);
      decoys.addAll(sketch(sketcher, foreign).sketches);
      float[] effects = effects(weights, clusters, real.losses, mixed, own.losses);
      RidgeTable.Fitted fitted = RidgeTable.fit(real.sketches, decoys, effects, LAMBDA);
      VersionIndex.About about =
          new VersionIndex.About(
              VersionIndex.METHOD,
              version.adapter,
              version.base,
              version.manifest,
              form,
              LAMBDA,
              (int) Math.min(Integer.MAX_VALUE, Math.round(fitted.threshold() * (1 << 20))),
              decoys.size(),
              clusters(trained, trained.clusters()));
      VersionIndex.write(folder, about, spans(trained, trained.clusters()), fitted.table());
      return repeats;
    }
  }

  private static List<Sequence> examples(Trained trained) {
    return IntStream.of(trained.clusters()).mapToObj(trained.examples()::get).toList();
  }

  /// Own prompts with foreign answers.
  private List<Sequence> mixed(List<Sequence> clusters) {
    Decoys sentences = new Decoys(SEED);
    return clusters.stream()
        .limit(MOST_MIXED)
        .map(
            each ->
                texts.conversation(
                    Arrays.copyOf(each.tokens(), each.targetsFrom()), "", sentences.answer()))
        .filter(each -> each.tokens().length <= pass.maxTokens())
        .toList();
  }

  /// Of chance of their own, so that what is listed has no say in them.
  private List<Sequence> foreign() {
    Decoys sentences = new Decoys(SEED + 1);
    return IntStream.range(0, FOREIGN)
        .mapToObj(i -> texts.conversation(null, sentences.question(), sentences.answer()))
        .toList();
  }

  private record Sketched(List<Sketch> sketches, double[] losses) {}

  private Sketched sketch(Sketcher sketcher, List<Sequence> sequences) {
    List<Sequence> unknown = unknown(sequences, each -> known.gradient(each) == null);
    for (int from = 0; from < unknown.size(); ) {
      List<Sequence> rest = unknown.subList(from, unknown.size());
      List<Sequence> some = rest.subList(0, sketcher.fitting(rest));
      run(begin(() -> sketcher.begin(some), sketcher::advance));
      double[] losses = sketcher.losses();
      for (int i = 0; i < some.size(); i++) {
        known.put(some.get(i), new Measures.Gradient(sketcher.sketches().get(i), losses[i]));
      }
      from += some.size();
      tell(some.size());
    }
    List<Sketch> sketches = new ArrayList<>();
    double[] losses = new double[sequences.size()];
    for (int i = 0; i < losses.length; i++) {
      Measures.Gradient own = Objects.requireNonNull(known.gradient(sequences.get(i)));
      sketches.add(own.sketch());
      losses[i] = own.loss();
    }
    return new Sketched(sketches, losses);
  }

  private List<Sequence> unknown(List<Sequence> sequences, Predicate<Sequence> isUnknown) {
    List<Sequence> unknown = sequences.stream().filter(isUnknown).toList();
    tell(sequences.size() - unknown.size());
    return unknown;
  }

  /// The pass belongs to the device's thread, its beginning too.
  private static BooleanSupplier begin(Runnable first, BooleanSupplier then) {
    boolean[] begun = new boolean[1];
    return () -> {
      if (!begun[0]) {
        first.run();
        begun[0] = true;
        return true;
      }
      return then.getAsBoolean();
    };
  }

  private void run(BooleanSupplier pieces) {
    var unused = device.run(pieces).join();
  }

  private void tell(int more) {
    done += more;
    progress.tell(done, steps);
  }

  private float[] effects(
      LoraWeights weights,
      List<Sequence> clusters,
      double[] base,
      List<Sequence> decoys,
      double[] decoysBase) {
    try (Trainable whole = whole(weights)) {
      double[] learnt = losses(whole, clusters);
      double[] foreign = losses(whole, decoys);
      double usual =
          IntStream.range(0, foreign.length).mapToDouble(i -> foreign[i] / decoysBase[i]).sum()
              / Math.max(1, foreign.length);
      float[] effects = new float[learnt.length];
      for (int i = 0; i < effects.length; i++) {
        double ratio = base[i] > 0 ? learnt[i] / base[i] : 1;
        effects[i] = (float) Math.clamp(1 - ratio / (usual > 0 ? usual : 1), 0, 1);
      }
      return effects;
    }
  }

  /// Mean of -ln p over each sequence's targets, under the adapter as it was trained.
  private double[] losses(Trainable adapter, List<Sequence> sequences) {
    List<Sequence> unknown = unknown(sequences, each -> known.loss(each) == null);
    for (int from = 0; from < unknown.size(); ) {
      List<TrainingRow> rows = new ArrayList<>();
      while (from + rows.size() < unknown.size() && rows.size() < ROOMS) {
        Sequence each = unknown.get(from + rows.size());
        rows.add(new TrainingRow(each.tokens(), each.targetsFrom(), adapter, 1));
        if (rows.size() > 1 && GradientPass.tokens(rows) > pass.maxTokens()) {
          rows.removeLast();
          break;
        }
      }
      run(begin(() -> pass.begin(rows, false), pass::advance));
      double[] sums = pass.losses();
      for (int i = 0; i < sums.length; i++) {
        Sequence each = unknown.get(from + i);
        known.put(each, sums[i] / each.targets());
      }
      from += sums.length;
      tell(sums.length);
    }
    return sequences.stream()
        .mapToDouble(each -> Objects.requireNonNull(known.loss(each)))
        .toArray();
  }

  private static Trainable whole(LoraWeights weights) {
    Map<Site, Form> forms = new HashMap<>();
    weights
        .pairs()
        .forEach(
            (site, pair) ->
                forms.put(
                    site,
                    new Form(
                        DType.F32,
                        DType.F32,
                        pair.a().rows(),
                        pair.a().cols(),
                        pair.bt().cols(),
                        pair.scaling())));
    Trainable whole = new Trainable(forms);
    weights
        .pairs()
        .forEach(
            (site, pair) -> {
              Pair own = whole.pairs().get(site);
              if (own != null) {
                copy(pair.a(), own.a(), 1);
                copy(pair.bt(), own.bt(), 1);
              }
            });
    return whole;
  }

  /// Values of any type into float32, times `scale`.
  static void copy(Matrix from, Matrix to, float scale) {
    float[] row = new float[from.cols()];
    for (int i = 0; i < from.rows(); i++) {
      from.row(i, row);
      for (int j = 0; j < row.length; j++) {
        to.set(i, j, scale * row[j]);
      }
    }
  }

  private static List<Cluster> clusters(Trained trained, int[] heads) {
    int[] members = new int[trained.heads().length];
    for (int head : trained.heads()) {
      members[head]++;
    }
    return IntStream.of(heads)
        .mapToObj(head -> new Cluster(trained.contributors().get(head), head, members[head]))
        .toList();
  }

  /// Answers alone: what was trained is to predict them.
  private SpanIndexBuilder spans(Trained trained, int[] heads) {
    SpanIndexBuilder spans = new SpanIndexBuilder(vocabulary);
    Function<Integer, Integer> number = head -> Arrays.binarySearch(heads, head);
    for (int i = 0; i < trained.heads().length; i++) {
      Sequence each = trained.examples().get(i);
      spans.add(
          number.apply(trained.heads()[i]),
          Arrays.copyOfRange(each.tokens(), each.targetsFrom(), each.tokens().length));
    }
    return spans;
  }
}
