package dev.tributary.server.bench;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// A row of serving.md's table "What to beat".
///
/// @param ours tokens a second, or the part or number that is bounded
/// @param theirs tokens a second; null where llama.cpp has no such figure
/// @param target least ratio of the two, or without the peer the most that `ours` may be
record PeerLine(
    String measure, double ours, @Nullable Double theirs, double target, boolean reached) {

  /// A race: at least `target` times as fast.
  static PeerLine race(String measure, double ours, double theirs, double target) {
    return new PeerLine(measure, ours, theirs, target, ours >= target * theirs);
  }

  /// A cost of ours: at most `target`.
  static PeerLine cost(String measure, double ours, double target) {
    return new PeerLine(measure, ours, null, target, ours <= target);
  }

  static Table table() {
    return new Table("", "Tributary", "llama.cpp", "ratio", "target", "reached");
  }

  void addTo(Table table) {
    String yes = reached ? "yes" : "no";
    if (theirs == null) {
      table.add(measure, number(ours), "", "", "<= " + number(target), yes);
    } else {
      table.add(
          measure,
          "%.0f".formatted(ours),
          "%.0f".formatted(theirs),
          "%.2f".formatted(ours / theirs),
          ">= %.1f".formatted(target),
          yes);
    }
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
