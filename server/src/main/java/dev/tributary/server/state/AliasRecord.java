package dev.tributary.server.state;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A name for one version, or several with weights.
///
/// @param name `[a-z][a-z0-9-]{0,62}`
/// @param targets at least one with a positive weight, at most 16, each version once; kept by
///   number, so that how requests are split does not depend on the order in which they were given
/// @param shadow null: none
public record AliasRecord(String name, List<Target> targets, @Nullable Shadow shadow, String etag) {
  /// Made with version 1.
  public static final String PROD = "prod";

  private static final int MILLION = 1_000_000;
  private static final int MAX_TARGETS = 16;

  /// A version and its share of requests.
  ///
  /// @param weight relative, in [0, 1,000,000]
  public record Target(int number, int weight) {
    public Target {
      Checks.range("version", number, 1, Integer.MAX_VALUE);
      Checks.range("weight", weight, 0, MILLION);
    }
  }

  /// A version under which a share of the answers is scored again.
  ///
  /// @param sharePpm of a million answers, in [1, 1,000,000]
  public record Shadow(int number, int sharePpm) {
    public Shadow {
      Checks.range("version", number, 1, Integer.MAX_VALUE);
      Checks.range("share", sharePpm, 1, MILLION);
    }
  }

  public AliasRecord {
    Checks.alias(name);
    Checks.range("number of targets", targets.size(), 1, MAX_TARGETS);
    Set<Integer> numbers = new HashSet<>();
    long weights = 0;
    for (Target target : targets) {
      if (!numbers.add(target.number())) {
        throw new IllegalArgumentException("version " + target.number() + " twice");
      }
      weights += target.weight();
    }
    Checks.range("sum of weights", weights, 1, (long) MAX_TARGETS * MILLION);
    targets = targets.stream().sorted(Comparator.comparingInt(Target::number)).toList();
  }
}
