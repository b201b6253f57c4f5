package dev.tributary.server.bench;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.train.Cadence;
import dev.tributary.server.train.Capacity;
import dev.tributary.server.train.LoraShape;
import dev.tributary.server.train.Member;
import dev.tributary.server.train.Optimization;
import dev.tributary.server.train.Outcome;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.Subsets;
import dev.tributary.server.train.Trainer;
import dev.tributary.server.train.TrainingBase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/// What happens to the probability of each answer when the adapter is trained without some of its
/// contributors: the truth that shares are held against.
///
/// @param subsets of contributors, by number
/// @param logs natural log of each answer's probability under the adapter of each subset, the mean
///   over its seeds, `[subsets][questions]`
record AttributionTruth(List<Set<Integer>> subsets, double[][] logs) {
  static final AttributionTruth NONE = new AttributionTruth(List.of(), new double[0][0]);

  private static final int PASS = 1_024;
  private static final long ACTIVATIONS = 256_000_000;

  record Settings(int subsets, int seeds, int rank, float alpha, int epochs) {}

  /// Trains what is not there yet. Ended at any time, it goes on when it is called again.
  static AttributionTruth train(
      Path folder, Llama llama, Ops ops, String base, AttributionCase of, Settings how, int pages)
      throws IOException {
    Optimization defaults = Optimization.DEFAULT;
    Optimization optimization =
        new Optimization(
            1e-3, how.epochs, 0, 16, defaults.warmUpSteps(), defaults.clipNorm(), 0, 0);
    Member whole =
        new Member(
            "whole",
            new RunSettings(
                new LoraShape(how.rank, how.alpha, false, List.of()), optimization, PASS, 0, 0),
            of.data(),
            List.of());
    Subsets subsets = Subsets.of(new TreeSet<>(of.names()), how.subsets, 1);
    int[] cache = IntStream.range(0, pages).toArray();
    List<Set<Integer>> members = new ArrayList<>();
    double[][] logs = new double[how.subsets][of.questions().size()];
    try (GradientPass pass = new GradientPass(llama, PASS, ACTIVATIONS)) {
      Trainer trainer =
          new Trainer(
              pass,
              pieces -> {
                while (pieces.getAsBoolean()) {
                  Thread.onSpinWait();
                }
                return CompletableFuture.completedFuture(null);
              },
              new TrainingBase(base, null, llama.config(), ops.numerics()),
              new Capacity(PASS, PASS),
              Cadence.DEFAULT,
              List.of());
      List<Member> all = subsets.members(whole, how.seeds);
      for (int i = 0; i < all.size(); i++) {
        long start = System.nanoTime();
        Path own = folder.resolve(all.get(i).name());
        Outcome outcome =
            trainer.train(own, List.of(all.get(i)), progress -> {}, () -> false).getFirst();
        if (!(outcome instanceof Outcome.Trained trained)) {
          throw new IllegalStateException(all.get(i).name() + ": " + outcome);
        }
        LoraWeights weights = TrainedWeights.read(trained.folder(), llama.config());
        int subset = i / how.seeds;
        for (int q = 0; q < of.questions().size(); q++) {
          logs[subset][q] +=
              log(llama, of.questions().get(q), List.of(new AdapterUse(weights, 1)), cache)
                  / how.seeds;
        }
        weights.release();
        System.out.printf(
            "%s of %d in %.0f s%n",
            all.get(i).name(), all.size(), (System.nanoTime() - start) / 1e9);
      }
    }
    for (int subset = 0; subset < how.subsets; subset++) {
      Set<Integer> numbers = new TreeSet<>();
      subsets.contributors(subset).forEach(name -> numbers.add(of.names().indexOf(name)));
      members.add(numbers);
    }
    return new AttributionTruth(members, logs);
  }

  private static double log(
      Llama llama, AttributionCase.Question question, List<AdapterUse> uses, int[] pages) {
    int[] all = question.all();
    Matrix logits =
        llama.run(
            List.of(
                new Span(
                    all,
                    0,
                    pages,
                    uses,
                    PathChoice.AUTO.of(all.length, llama.wideFrom()),
                    question.prompt().length - 1)));
    float[] row = new float[logits.cols()];
    double sum = 0;
    for (int i = 0; i < question.output().length; i++) {
      logits.row(i, row);
      double most = Double.NEGATIVE_INFINITY;
      for (float value : row) {
        most = Math.max(most, value);
      }
      double mass = 0;
      for (float value : row) {
        mass += Math.exp(value - most);
      }
      sum += row[question.output()[i]] - most - Math.log(mass);
    }
    return sum;
  }
}
