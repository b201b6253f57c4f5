package dev.tributary.server.metrics;

import java.time.Duration;
import java.util.Optional;

/// How the answers of one version went since the server started: VersionFigures of the contract.
///
/// @param answers calls that ended well
/// @param errors calls that failed after they had started; not those that their caller cancelled
/// @param refusals calls that were turned down before they started
/// @param firstTokenP50 of `answers`; times are exact within 19%, and empty without answers
/// @param meanCompletionTokens of `answers`; 0 without
/// @param shadowAnswers answers of other versions that were scored again under this one
/// @param shadowLogProbGap mean over those, in nats per token; 0 without
public record VersionFigures(
    long answers,
    long errors,
    long refusals,
    Optional<Duration> firstTokenP50,
    Optional<Duration> firstTokenP95,
    Optional<Duration> betweenTokensP50,
    Optional<Duration> betweenTokensP95,
    double meanCompletionTokens,
    long shadowAnswers,
    double shadowLogProbGap) {
  /// Of a version that nobody has used.
  public static final VersionFigures NONE =
      new VersionFigures(
          0, 0, 0, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), 0, 0, 0);
}
