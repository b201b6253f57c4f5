package dev.tributary.server.bench;

import dev.tributary.record.Division;
import dev.tributary.record.Evidence;
import dev.tributary.server.attribution.Answer;
import dev.tributary.server.attribution.Findings;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.Measures;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.attribution.Sketch;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.Sketcher;
import dev.tributary.server.attribution.Trained;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.ingest.Clusters;
import dev.tributary.server.ingest.Example;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tokenize.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/// Divides the credit of the same answers by one listing after another. What was measured of an
/// example is kept.
final class GamingRun {
  private static final int ROOMS = 4;

  private final GradientPass pass;
  private final Tokenizer tokenizer;
  private final LoraWeights weights;
  private final SketchForm form;
  private final IndexBuild.Texts decoys;
  private final Path folder;
  private final Measures known;
  private int builds;

  /// What one listing comes to.
  ///
  /// @param shares of each contributor, the mean over all answers
  /// @param clusters after joining what is the same
  /// @param threshold of scores
  record Outcome(
      Map<String, Double> shares,
      double base,
      double unattributed,
      int clusters,
      double threshold) {
    /// Of all contributors together.
    double credit() {
      return shares.values().stream().mapToDouble(Double::doubleValue).sum();
    }
  }

  /// @param folder where indexes are put
  /// @param known of this adapter
  GamingRun(
      GradientPass pass,
      Tokenizer tokenizer,
      LoraWeights weights,
      SketchForm form,
      IndexBuild.Texts decoys,
      Path folder,
      Measures known) {
    this.pass = pass;
    this.tokenizer = tokenizer;
    this.weights = weights;
    this.form = form;
    this.decoys = decoys;
    this.folder = folder;
    this.known = known;
  }

  /// Of answers, for [#divide].
  List<Sketch> sketches(List<AttributionCase.Question> answers) {
    List<Sketch> sketches = new ArrayList<>();
    List<Sequence> all = answers.stream().map(AttributionCase.Question::sequence).toList();
    try (Sketcher sketcher = new Sketcher(pass, weights, form, 0, ROOMS)) {
      while (sketches.size() < all.size()) {
        List<Sequence> rest = all.subList(sketches.size(), all.size());
        sketcher.begin(rest.subList(0, sketcher.fitting(rest)));
        var unused = here(sketcher::advance);
        sketches.addAll(sketcher.sketches());
      }
    }
    return sketches;
  }

  /// @throws IOException if the index cannot be written
  VersionIndex index(GamingListing listing) throws IOException {
    Path own = Files.createDirectory(folder.resolve(Integer.toString(builds++)));
    Clusters clusters =
        Clusters.ofConversations(
            IntStream.range(0, listing.examples().size())
                .mapToObj(
                    i ->
                        new Example(
                            listing.contributors().get(i), listing.examples().get(i).tokens()))
                .toList(),
            this::isNumber);
    new IndexBuild(
            pass, GamingRun::here, tokenizer.vocabularySize(), decoys, (done, all) -> {}, known)
        .build(
            own,
            new IndexBuild.Version("", "", ""),
            weights,
            form,
            new Trained(listing.examples(), listing.contributors(), clusters.headOfEach()));
    return VersionIndex.open(own);
  }

  Outcome divide(
      VersionIndex index, List<AttributionCase.Question> answers, List<Sketch> sketches) {
    Findings findings = new Findings(index, tokenizer);
    Map<String, Double> shares = new TreeMap<>();
    double base = 0;
    double unattributed = 0;
    double one = 1e6 * answers.size();
    for (int i = 0; i < answers.size(); i++) {
      AttributionCase.Question each = answers.get(i);
      Division division =
          findings
              .of(
                  new Answer(each.prompt(), each.output(), each.drawn(), each.base()),
                  sketches.get(i),
                  Evidence.Limit.NONE)
              .divide();
      division
          .parts()
          .forEach(part -> shares.merge(part.contributor(), part.ppm() / one, Double::sum));
      base += division.basePpm() / one;
      unattributed += division.unattributedPpm() / one;
    }
    return new Outcome(
        shares,
        base,
        unattributed,
        index.about().clusters().size(),
        (double) index.about().threshold() / Evidence.SCORE_ONE);
  }

  private boolean isNumber(int token) {
    for (byte value : tokenizer.bytes(token)) {
      if (value >= '0' && value <= '9') {
        return true;
      }
    }
    return false;
  }

  private static CompletableFuture<Void> here(BooleanSupplier pieces) {
    while (pieces.getAsBoolean()) {
      Thread.onSpinWait();
    }
    return CompletableFuture.completedFuture(null);
  }
}
