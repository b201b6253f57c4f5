package dev.tributary.server.bench;

import org.jspecify.annotations.Nullable;

/// A row of serving.md's table "What to beat".
///
/// @param unit of `ours` and `theirs`: `tokens/s`, `part` of 1, or `steps`
/// @param theirs null where llama.cpp has no such figure, and so is `ratio`
/// @param target least ratio of the two, or without the peer the most that `ours` may be
record PeerLine(
    String measure,
    String unit,
    double ours,
    @Nullable Double theirs,
    @Nullable Double ratio,
    double target,
    boolean reached) {

  /// A race: at least `target` times as fast, in tokens a second.
  static PeerLine race(String measure, double ours, double theirs, double target) {
    double ratio = ours / theirs;
    return new PeerLine(measure, "tokens/s", ours, theirs, ratio, target, ratio >= target);
  }

  /// A cost of ours: at most `target`.
  ///
  /// @param unit `part` or `steps`
  static PeerLine cost(String measure, String unit, double ours, double target) {
    return new PeerLine(measure, unit, ours, null, null, target, ours <= target);
  }

  /// The columns of [#addTo].
  static Table table() {
    return new Table("", "Tributary", "llama.cpp", "unit", "ratio", "target", "reached");
  }

  void addTo(Table table) {
    String yes = reached ? "yes" : "no";
    if (theirs != null && ratio != null) {
      table.add(
          measure,
          "%.0f".formatted(ours),
          "%.0f".formatted(theirs),
          unit,
          "%.2f".formatted(ratio),
          ">= %.1f".formatted(target),
          yes);
    } else if (unit.equals("part")) {
      table.add(
          measure,
          "%.1f".formatted(100 * ours),
          "",
          "%",
          "",
          "<= %.0f".formatted(100 * target),
          yes);
    } else {
      table.add(measure, "%.2f".formatted(ours), "", unit, "", "<= %.0f".formatted(target), yes);
    }
  }
}
