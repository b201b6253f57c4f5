package dev.tributary.client.cli;

import dev.tributary.v1.TrainingResult.LossPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A curve of losses as text: a mark in each column, at the mean of the points that fall into it.
final class LossPlot {
  private static final int ROWS = 8;
  private static final int COLUMNS = 60;
  private static final char MARK = '\u2022';

  private LossPlot() {}

  /// @return lines without trailing spaces; none for fewer than two points
  static List<String> lines(List<LossPoint> points) {
    if (points.size() < 2) {
      return List.of();
    }
    double[] means = means(points);
    double top = 0;
    for (double mean : means) {
      top = Math.max(top, mean);
    }
    List<String> lines = new ArrayList<>();
    for (int row = ROWS - 1; row >= 0; row--) {
      String label = String.format(Locale.ROOT, "%7.3f", top * row / (ROWS - 1));
      StringBuilder line = new StringBuilder(label).append(" |");
      for (double mean : means) {
        line.append(!Double.isNaN(mean) && level(mean, top) == row ? MARK : ' ');
      }
      lines.add(line.toString().stripTrailing());
    }
    String first = "step " + points.getFirst().getStep();
    String last = Integer.toString(points.getLast().getStep());
    int gap = Math.max(1, means.length - first.length() - last.length());
    lines.add(" ".repeat(9) + first + " ".repeat(gap) + last);
    return lines;
  }

  private static int level(double mean, double top) {
    return top <= 0 ? 0 : (int) Math.round(mean / top * (ROWS - 1));
  }

  /// NaN where no point falls.
  private static double[] means(List<LossPoint> points) {
    int columns = Math.min(COLUMNS, points.size());
    int from = points.getFirst().getStep();
    int span = Math.max(1, points.getLast().getStep() - from);
    double[] sums = new double[columns];
    int[] counts = new int[columns];
    for (LossPoint point : points) {
      int column = (int) ((long) (point.getStep() - from) * (columns - 1) / span);
      sums[column] += point.getLoss();
      counts[column]++;
    }
    for (int i = 0; i < columns; i++) {
      sums[i] = counts[i] == 0 ? Double.NaN : sums[i] / counts[i];
    }
    return sums;
  }
}
