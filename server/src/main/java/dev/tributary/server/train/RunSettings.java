package dev.tributary.server.train;

/// All that is chosen about a run. What it computes is a function of these, its data and its base.
///
/// There is no dropout: a run is repeatable to the bit, and on sets as small as these it was not
/// needed. Who asks for one is told so ([#requireNoDropout]).
///
/// @param maxExampleTokens longer examples refuse a run's data
/// @param heldOutShare of the examples that are not trained on but evaluated, in [0, 1); 0: none,
///   unless a file of such examples is given
/// @param seed of the order of examples, the first values of A, and what is held out
public record RunSettings(
    LoraShape lora,
    Optimization optimization,
    int maxExampleTokens,
    double heldOutShare,
    long seed) {
  /// The defaults of each part, 1,024 tokens an example, seed 0.
  public static final RunSettings DEFAULT =
      new RunSettings(LoraShape.DEFAULT, Optimization.DEFAULT, 1_024, 0, 0);

  private static final int MOST_TOKENS = 1 << 20;

  public RunSettings {
    InvalidSettingException.require(
        maxExampleTokens >= 2 && maxExampleTokens <= MOST_TOKENS,
        "max_example_tokens",
        maxExampleTokens,
        "between 2 and " + MOST_TOKENS);
    InvalidSettingException.require(
        heldOutShare >= 0 && heldOutShare < 1, "held_out_share", heldOutShare, "in [0, 1)");
  }

  /// Refuses what no run honours.
  public static void requireNoDropout(double dropout) {
    InvalidSettingException.require(
        dropout == 0, "dropout", dropout, "0: runs are repeatable, and have none");
  }

  /// The same with another seed.
  public RunSettings withSeed(long other) {
    return new RunSettings(lora, optimization, maxExampleTokens, heldOutShare, other);
  }
}
