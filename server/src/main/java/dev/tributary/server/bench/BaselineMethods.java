package dev.tributary.server.bench;

import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.attribution.Sketch;
import dev.tributary.server.attribution.SketchForm;
import dev.tributary.server.attribution.Sketcher;
import dev.tributary.server.bench.AttributionMethod.Shares;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.LoraWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;

/// What else could divide an answer's credit.
final class BaselineMethods {
  /// Of gradients that an inner product of layers is averaged over, as the paper's authors set it:
  /// a tenth of the mean square.
  private static final double DAMPING = 0.1;

  private static final int ROOMS = 8;

  private BaselineMethods() {}

  static List<AttributionMethod> of(
      GradientPass pass, LoraWeights weights, SketchForm form, AttributionCase of) {
    List<AttributionMethod> methods = new ArrayList<>();
    Random random = new Random(1);
    methods.add(each(of, "random", question -> random.doubles(of.names().size()).toArray()));
    methods.add(
        each(
            of,
            "equal split",
            question -> IntStream.range(0, of.names().size()).mapToDouble(i -> 1).toArray()));
    Bm25 whole = new Bm25(of.examples().stream().map(Sequence::tokens).toList());
    methods.add(
        each(
            of,
            "BM25, prompt and answer",
            question -> byContributor(of, whole.scores(question.all()))));
    Bm25 answers =
        new Bm25(
            of.examples().stream()
                .map(
                    each ->
                        Arrays.copyOfRange(each.tokens(), each.targetsFrom(), each.tokens().length))
                .toList());
    methods.add(
        each(of, "BM25, answer", question -> byContributor(of, answers.scores(question.output()))));
    methods.addAll(gradients(pass, weights, form, of, 0, "at the base"));
    methods.addAll(gradients(pass, weights, form, of, 1, "at the trained weights"));
    methods.add(
        each(
            of,
            "label oracle",
            question ->
                IntStream.range(0, of.names().size())
                    .mapToDouble(i -> i == question.contributor() ? 1 : 0)
                    .toArray()));
    return methods;
  }

  private static AttributionMethod each(
      AttributionCase of, String name, Function<AttributionCase.Question, double[]> scores) {
    return new AttributionMethod(
        name, of.questions().stream().map(each -> Shares.of(scores.apply(each))).toList());
  }

  /// Sums of the positive scores of each contributor's examples.
  private static double[] byContributor(AttributionCase of, double[] scores) {
    double[] sums = new double[of.names().size()];
    for (int i = 0; i < scores.length; i++) {
      sums[of.names().indexOf(of.contributors().get(i))] += Math.max(0, scores[i]);
    }
    return sums;
  }

  private static List<AttributionMethod> gradients(
      GradientPass pass,
      LoraWeights weights,
      SketchForm form,
      AttributionCase of,
      float scale,
      String where) {
    List<Sketch> examples;
    List<Sketch> answers;
    try (Sketcher sketcher = new Sketcher(pass, weights, form, scale, ROOMS)) {
      examples = sketches(sketcher, of.examples());
      answers =
          sketches(
              sketcher, of.questions().stream().map(AttributionCase.Question::sequence).toList());
    }
    double[][] cosines = new double[answers.size()][examples.size()];
    for (int q = 0; q < cosines.length; q++) {
      for (int i = 0; i < examples.size(); i++) {
        cosines[q][i] = answers.get(q).cosine(examples.get(i));
      }
    }
    double[][] dataInf = dataInf(examples, answers, form.values());
    return List.of(
        byQuestion(of, "cosine of gradients " + where, cosines),
        byQuestion(of, "DataInf " + where, dataInf));
  }

  private static AttributionMethod byQuestion(AttributionCase of, String name, double[][] scores) {
    return new AttributionMethod(
        name, Arrays.stream(scores).map(each -> Shares.of(byContributor(of, each))).toList());
  }

  private static List<Sketch> sketches(Sketcher sketcher, List<Sequence> sequences) {
    List<Sketch> sketches = new ArrayList<>();
    while (sketches.size() < sequences.size()) {
      List<Sequence> rest = sequences.subList(sketches.size(), sequences.size());
      sketcher.begin(rest.subList(0, sketcher.fitting(rest)));
      while (sketcher.advance()) {
        Thread.onSpinWait();
      }
      sketches.addAll(sketcher.sketches());
    }
    return sketches;
  }

  /// Kwon et al. 2024, "DataInf", equation 5: each layer's inverse Hessian is an average of
  /// inverses of rank one. Of unit gradients, sketched.
  ///
  /// @param width values of a layer's part of a sketch
  private static double[][] dataInf(List<Sketch> examples, List<Sketch> answers, int width) {
    int n = examples.size();
    double[][] scores = new double[answers.size()][n];
    int size = examples.getFirst().values().length;
    for (int from = 0; from < size; from += width) {
      double[][] own = part(examples, from, Math.min(size, from + width));
      double[][] asked = part(answers, from, Math.min(size, from + width));
      double[][] gram = products(own, own);
      double[][] cross = products(asked, own);
      double mean = IntStream.range(0, n).mapToDouble(i -> gram[i][i]).average().orElse(0);
      double lambda = DAMPING * mean;
      if (lambda == 0) {
        continue;
      }
      for (int q = 0; q < scores.length; q++) {
        double[] damped = new double[n];
        for (int i = 0; i < n; i++) {
          damped[i] = cross[q][i] / (lambda + gram[i][i]);
        }
        for (int k = 0; k < n; k++) {
          double sum = 0;
          for (int i = 0; i < n; i++) {
            sum += damped[i] * gram[i][k];
          }
          scores[q][k] += (cross[q][k] - sum / n) / lambda;
        }
      }
    }
    return scores;
  }

  private static double[][] part(List<Sketch> sketches, int from, int to) {
    double[][] parts = new double[sketches.size()][to - from];
    for (int i = 0; i < parts.length; i++) {
      Sketch each = sketches.get(i);
      double norm = Math.sqrt(Math.max(1, each.squares()));
      for (int d = from; d < to; d++) {
        parts[i][d - from] = each.values()[d] / norm;
      }
    }
    return parts;
  }

  private static double[][] products(double[][] a, double[][] b) {
    double[][] products = new double[a.length][b.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b.length; j++) {
        double sum = 0;
        for (int d = 0; d < a[i].length; d++) {
          sum += a[i][d] * b[j][d];
        }
        products[i][j] = sum;
      }
    }
    return products;
  }
}
