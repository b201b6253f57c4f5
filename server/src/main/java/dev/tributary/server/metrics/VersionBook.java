package dev.tributary.server.metrics;

import java.util.LinkedHashMap;
import java.util.Map;

/// Figures of the versions that were used last, at most so many: 2 KB each. Thread safe.
public final class VersionBook {
  /// 8 MB.
  static final int CAPACITY = 4_096;

  private static final class Sums {
    long answers;
    long errors;
    long refusals;
    long completionTokens;
    long shadowAnswers;
    double shadowGap;
    final LogHistogram firstToken = new LogHistogram();
    final LogHistogram betweenTokens = new LogHistogram();
  }

  private final Map<VersionKey, Sums> versions;

  VersionBook(int capacity) {
    versions =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<VersionKey, Sums> eldest) {
            return size() > capacity;
          }
        };
  }

  /// [VersionFigures#NONE] for a version that was not used, or not for long.
  public synchronized VersionFigures of(VersionKey version) {
    Sums sums = versions.get(version);
    return sums == null ? VersionFigures.NONE : figures(sums);
  }

  /// @param firstTokenNanos from the call's arrival; negative if no token was generated
  synchronized void answered(
      VersionKey version, long firstTokenNanos, LogHistogram betweenTokens, long completionTokens) {
    Sums sums = sums(version);
    sums.answers++;
    sums.completionTokens += completionTokens;
    if (firstTokenNanos >= 0) {
      sums.firstToken.add(firstTokenNanos);
    }
    sums.betweenTokens.addAll(betweenTokens);
  }

  synchronized void failed(VersionKey version) {
    sums(version).errors++;
  }

  synchronized void refused(VersionKey version) {
    sums(version).refusals++;
  }

  /// An answer of another version was scored again under this one.
  ///
  /// @param logProbGap mean over its tokens of log p under this version minus log p under the one
  ///   that wrote it, in nats; finite
  public synchronized void shadowed(VersionKey version, double logProbGap) {
    if (!Double.isFinite(logProbGap)) {
      throw new IllegalArgumentException("a gap of " + logProbGap);
    }
    Sums sums = sums(version);
    sums.shadowAnswers++;
    sums.shadowGap += logProbGap;
  }

  private Sums sums(VersionKey version) {
    return versions.computeIfAbsent(version, unused -> new Sums());
  }

  private static VersionFigures figures(Sums sums) {
    return new VersionFigures(
        sums.answers,
        sums.errors,
        sums.refusals,
        sums.firstToken.percentile(0.5),
        sums.firstToken.percentile(0.95),
        sums.betweenTokens.percentile(0.5),
        sums.betweenTokens.percentile(0.95),
        mean(sums.completionTokens, sums.answers),
        sums.shadowAnswers,
        mean(sums.shadowGap, sums.shadowAnswers));
  }

  private static double mean(double sum, long count) {
    return count == 0 ? 0 : sum / count;
  }
}
