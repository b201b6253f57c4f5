package dev.tributary.server.bench;

import dev.tributary.record.Division;
import java.util.List;

/// What a method says of each question's answer.
record AttributionMethod(String name, List<Shares> answers) {
  /// @param contributors part of each, in the order of the case's names
  /// @param base part of the base
  /// @param unattributed the rest
  record Shares(double[] contributors, double base, double unattributed) {
    /// Scores that say nothing of the base, negative ones counted as none.
    static Shares of(double[] scores) {
      double[] parts = new double[scores.length];
      double sum = 0;
      for (int i = 0; i < parts.length; i++) {
        parts[i] = Math.max(0, scores[i]);
        sum += parts[i];
      }
      for (int i = 0; i < parts.length; i++) {
        parts[i] = sum > 0 ? parts[i] / sum : 0;
      }
      return new Shares(parts, 0, sum > 0 ? 0 : 1);
    }

    static Shares of(Division division, List<String> names) {
      double[] parts = new double[names.size()];
      for (Division.Part part : division.parts()) {
        parts[names.indexOf(part.contributor())] = part.ppm() / 1e6;
      }
      return new Shares(parts, division.basePpm() / 1e6, division.unattributedPpm() / 1e6);
    }

    /// Of the contributor with the largest part; -1 if nobody has one.
    int top() {
      int top = -1;
      for (int i = 0; i < contributors.length; i++) {
        if (contributors[i] > 0 && (top < 0 || contributors[i] > contributors[top])) {
          top = i;
        }
      }
      return top;
    }

    double all() {
      double sum = 0;
      for (double part : contributors) {
        sum += part;
      }
      return sum;
    }
  }
}
