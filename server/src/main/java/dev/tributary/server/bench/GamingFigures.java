package dev.tributary.server.bench;

import java.util.List;
import java.util.Set;

/// What each attack changed.
///
/// @param before without any
record GamingFigures(String attacker, int answers, GamingRun.Outcome before, List<Line> lines) {
  /// @param share of the attacker's names before, of all answers together
  /// @param gain what it became, as a multiple; infinite where it was nothing
  /// @param credit how much of all contributors' credit it became more by; negative for less
  /// @param honest what the share of all other contributors became, as a multiple
  record Line(
      String attack,
      double share,
      double after,
      double gain,
      double credit,
      double honest,
      double unattributed,
      int clusters,
      double threshold) {
    static Line of(
        String attack,
        Set<String> namesBefore,
        Set<String> names,
        GamingRun.Outcome before,
        GamingRun.Outcome after) {
      double was = sum(before, namesBefore);
      double is = sum(after, names);
      return new Line(
          attack,
          was,
          is,
          is / was,
          (is - was) / before.credit(),
          (after.credit() - is) / (before.credit() - was),
          after.unattributed(),
          after.clusters(),
          after.threshold());
    }

    private static double sum(GamingRun.Outcome outcome, Set<String> names) {
      return names.stream().mapToDouble(name -> outcome.shares().getOrDefault(name, 0.0)).sum();
    }
  }

  GamingFigures {
    lines = List.copyOf(lines);
  }

  String text() {
    Table table =
        new Table(
            "attack",
            "share before",
            "after",
            "gain",
            "of credit",
            "honest others",
            "unattributed",
            "clusters",
            "threshold");
    for (Line line : lines) {
      table.add(
          line.attack,
          percent(line.share),
          percent(line.after),
          line.share == 0 ? "-" : "%.3fx".formatted(line.gain),
          "%+.2f%%".formatted(100 * line.credit),
          "%.3fx".formatted(line.honest),
          percent(line.unattributed),
          Integer.toString(line.clusters),
          "%.3f".formatted(line.threshold));
    }
    return "%s attacks; %d answers; credit %s, base %s, unattributed %s; %d clusters, threshold %.3f%n%s"
        .formatted(
            attacker,
            answers,
            percent(before.credit()),
            percent(before.base()),
            percent(before.unattributed()),
            before.clusters(),
            before.threshold(),
            table.text());
  }

  private static String percent(double part) {
    return "%.2f%%".formatted(100 * part);
  }
}
