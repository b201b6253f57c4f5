package dev.tributary.server.bench;

import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.bench.AttributionMethod.Shares;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/// How good each method is.
///
/// LDS is the linear datamodelling score (Park et al. 2023, "TRAK", section 2): for each question
/// the rank correlation, over subsets, of the sum of its contributors' shares with the answer's log
/// probability under the adapter that was trained on the subset; the mean over questions.
///
/// @param ceiling what a linear model fitted on the other subsets reaches; NaN without subsets
record AttributionFigures(int exact, int wrong, int subsets, double ceiling, List<Line> methods) {
  private static final int DRAWS = 2_000;

  /// @param exactTop part of the exactly right answers whose institution has the largest share
  /// @param trueShare mean share of that institution
  /// @param othersShare mean share of all others
  /// @param wrongTop part of the wrong answers that repeat one contributor's answer and whose
  ///   contributor has the largest share
  /// @param lds NaN without subsets
  /// @param aboveBm25 2.5th and 97.5th percentile of the difference to BM25 on prompt and answer,
  ///   over questions drawn with replacement
  record Line(
      String method,
      double exactTop,
      double trueShare,
      double othersShare,
      double base,
      double unattributed,
      double wrongTop,
      double lds,
      double[] aboveBm25) {}

  static AttributionFigures of(
      AttributionCase of, List<AttributionMethod> methods, AttributionTruth truth) {
    Map<List<Integer>, Set<Integer>> holders = holders(of);
    double[] bm25 = new double[0];
    for (AttributionMethod each : methods) {
      if (each.name().equals("BM25, prompt and answer")) {
        bm25 = scores(each, truth);
      }
    }
    List<Line> lines = new ArrayList<>();
    for (AttributionMethod each : methods) {
      lines.add(line(of, each, holders, truth, bm25));
    }
    int exact = (int) of.questions().stream().filter(AttributionCase.Question::exact).count();
    int wrong =
        (int)
            of.questions().stream()
                .filter(each -> !each.exact() && held(holders, each).size() == 1)
                .count();
    return new AttributionFigures(
        exact, wrong, truth.subsets().size(), Ceiling.of(of.names().size(), truth), lines);
  }

  /// Whose examples have an answer, to the token.
  private static Map<List<Integer>, Set<Integer>> holders(AttributionCase of) {
    Map<List<Integer>, Set<Integer>> holders = new HashMap<>();
    for (int i = 0; i < of.examples().size(); i++) {
      Sequence each = of.examples().get(i);
      holders
          .computeIfAbsent(
              list(Arrays.copyOfRange(each.tokens(), each.targetsFrom(), each.tokens().length)),
              key -> new HashSet<>())
          .add(of.names().indexOf(of.contributors().get(i)));
    }
    return holders;
  }

  private static List<Integer> list(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  private static Set<Integer> held(
      Map<List<Integer>, Set<Integer>> holders, AttributionCase.Question question) {
    return holders.getOrDefault(list(question.output()), Set.of());
  }

  private static Line line(
      AttributionCase of,
      AttributionMethod method,
      Map<List<Integer>, Set<Integer>> holders,
      AttributionTruth truth,
      double[] bm25) {
    int exact = 0;
    int top = 0;
    int wrong = 0;
    int wrongTop = 0;
    double[] sums = new double[4];
    for (int q = 0; q < of.questions().size(); q++) {
      AttributionCase.Question question = of.questions().get(q);
      Shares shares = method.answers().get(q);
      if (question.exact()) {
        exact++;
        top += shares.top() == question.contributor() ? 1 : 0;
        double own = shares.contributors()[question.contributor()];
        sums[0] += own;
        sums[1] += shares.all() - own;
        sums[2] += shares.base();
        sums[3] += shares.unattributed();
      } else if (held(holders, question).size() == 1) {
        wrong++;
        wrongTop += held(holders, question).contains(shares.top()) ? 1 : 0;
      }
    }
    double[] lds = scores(method, truth);
    return new Line(
        method.name(),
        (double) top / exact,
        sums[0] / exact,
        sums[1] / exact,
        sums[2] / exact,
        sums[3] / exact,
        (double) wrongTop / wrong,
        Arrays.stream(lds).average().orElse(Double.NaN),
        interval(lds, bm25));
  }

  /// The correlation of each question.
  private static double[] scores(AttributionMethod method, AttributionTruth truth) {
    int subsets = truth.subsets().size();
    if (subsets == 0) {
      return new double[0];
    }
    double[] scores = new double[method.answers().size()];
    for (int q = 0; q < scores.length; q++) {
      double[] predicted = new double[subsets];
      double[] measured = new double[subsets];
      for (int s = 0; s < subsets; s++) {
        for (int contributor : truth.subsets().get(s)) {
          predicted[s] += method.answers().get(q).contributors()[contributor];
        }
        measured[s] = truth.logs()[s][q];
      }
      scores[q] = Ranks.correlation(predicted, measured);
    }
    return scores;
  }

  private static double[] interval(double[] scores, double[] others) {
    if (scores.length == 0) {
      return new double[] {Double.NaN, Double.NaN};
    }
    Random random = new Random(1);
    double[] means = new double[DRAWS];
    for (int draw = 0; draw < DRAWS; draw++) {
      for (int i = 0; i < scores.length; i++) {
        int q = random.nextInt(scores.length);
        means[draw] += (scores[q] - others[q]) / scores.length;
      }
    }
    Arrays.sort(means);
    return new double[] {means[DRAWS / 40], means[DRAWS - 1 - DRAWS / 40]};
  }

  String text() {
    Table table =
        new Table(
            "method",
            "right",
            "true share",
            "others",
            "base",
            "unattributed",
            "wrong: whose",
            "LDS",
            "above BM25");
    for (Line line : methods) {
      table.add(
          line.method,
          percent(line.exactTop),
          percent(line.trueShare),
          percent(line.othersShare),
          percent(line.base),
          percent(line.unattributed),
          percent(line.wrongTop),
          Double.isNaN(line.lds) ? "-" : "%.3f".formatted(line.lds),
          Double.isNaN(line.lds)
              ? "-"
              : "%+.3f to %+.3f".formatted(line.aboveBm25[0], line.aboveBm25[1]));
    }
    return "%d exactly right answers, %d wrong ones that repeat one contributor's; %d subsets, linear ceiling %.3f%n%s"
        .formatted(exact, wrong, subsets, ceiling, table.text());
  }

  private static String percent(double part) {
    return "%.1f%%".formatted(100 * part);
  }

  /// Ranks of numbers, those of equal ones averaged.
  static final class Ranks {
    private Ranks() {}

    /// Spearman's; 0 if either is constant.
    static double correlation(double[] a, double[] b) {
      return pearson(of(a), of(b));
    }

    private static double[] of(double[] values) {
      Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
      Arrays.sort(order, (x, y) -> Double.compare(values[x], values[y]));
      double[] ranks = new double[values.length];
      for (int from = 0; from < order.length; ) {
        int to = from;
        while (to < order.length && values[order[to]] == values[order[from]]) {
          to++;
        }
        for (int i = from; i < to; i++) {
          ranks[order[i]] = (from + to - 1) / 2.0;
        }
        from = to;
      }
      return ranks;
    }

    private static double pearson(double[] a, double[] b) {
      double meanA = Arrays.stream(a).average().orElse(0);
      double meanB = Arrays.stream(b).average().orElse(0);
      double ab = 0;
      double aa = 0;
      double bb = 0;
      for (int i = 0; i < a.length; i++) {
        ab += (a[i] - meanA) * (b[i] - meanB);
        aa += (a[i] - meanA) * (a[i] - meanA);
        bb += (b[i] - meanB) * (b[i] - meanB);
      }
      return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
    }
  }

  /// What a linear model of who is in a subset reaches, fitted on all subsets but the one it
  /// predicts.
  private static final class Ceiling {
    private static final double LAMBDA = 0.3;

    private Ceiling() {}

    static double of(int names, AttributionTruth truth) {
      int subsets = truth.subsets().size();
      if (subsets < 4) {
        return Double.NaN;
      }
      int questions = truth.logs()[0].length;
      double sum = 0;
      double[][] predicted = new double[questions][subsets];
      for (int left = 0; left < subsets; left++) {
        double[][] normal = new double[names + 1][names + 1];
        double[][] right = new double[questions][names + 1];
        for (int s = 0; s < subsets; s++) {
          if (s != left) {
            double[] row = row(names, truth.subsets().get(s));
            for (int i = 0; i <= names; i++) {
              for (int j = 0; j <= names; j++) {
                normal[i][j] += row[i] * row[j];
              }
              for (int q = 0; q < questions; q++) {
                right[q][i] += row[i] * truth.logs()[s][q];
              }
            }
          }
        }
        double[] own = row(names, truth.subsets().get(left));
        double[] weights = solve(normal, own);
        for (int q = 0; q < questions; q++) {
          for (int i = 0; i <= names; i++) {
            predicted[q][left] += weights[i] * right[q][i];
          }
        }
      }
      for (int q = 0; q < questions; q++) {
        double[] measured = new double[subsets];
        for (int s = 0; s < subsets; s++) {
          measured[s] = truth.logs()[s][q];
        }
        sum += Ranks.correlation(predicted[q], measured);
      }
      return sum / questions;
    }

    private static double[] row(int names, Set<Integer> in) {
      double[] row = new double[names + 1];
      in.forEach(contributor -> row[contributor] = 1);
      row[names] = 1;
      return row;
    }

    /// `(a + lambda I)^-1 b` by elimination; `a` is overwritten.
    private static double[] solve(double[][] a, double[] b) {
      int n = b.length;
      double[] x = b.clone();
      for (int i = 0; i < n; i++) {
        a[i][i] += LAMBDA;
      }
      for (int i = 0; i < n; i++) {
        for (int j = i + 1; j < n; j++) {
          double factor = a[j][i] / a[i][i];
          for (int k = i; k < n; k++) {
            a[j][k] -= factor * a[i][k];
          }
          x[j] -= factor * x[i];
        }
      }
      for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) {
          x[i] -= a[i][k] * x[k];
        }
        x[i] /= a[i][i];
      }
      return x;
    }
  }
}
