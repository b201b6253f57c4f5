package dev.tributary.server.train;

/// How the values move: AdamW (Loshchilov and Hutter 2019; betas 0.9 and 0.999, epsilon 1e-8) under
/// a rate that warms up linearly and falls as a cosine, on gradients whose norm is clipped.
///
/// @param epochs passes over the data
/// @param maxSteps steps that end a run before its epochs do; 0: none
/// @param batchSize examples a step
/// @param warmUpSteps steps over which the rate rises to `learningRate`
/// @param clipNorm largest norm of a step's gradient over all values together; 0: any
/// @param weightDecay of AdamW, decoupled
/// @param patience evaluations on held-out examples, one an epoch, that may pass without a lower
///   loss before a run ends; its result are then the values of the lowest. 0: never
public record Optimization(
    double learningRate,
    int epochs,
    int maxSteps,
    int batchSize,
    int warmUpSteps,
    double clipNorm,
    double weightDecay,
    int patience) {
  /// 1e-3, 8 epochs of batches of 16, 5 steps to warm up, norm 1, no decay, no early end.
  public static final Optimization DEFAULT = new Optimization(1e-3, 8, 0, 16, 5, 1, 0, 0);

  static final double BETA1 = 0.9;
  static final double BETA2 = 0.999;
  static final double EPSILON = 1e-8;

  private static final int MOST_EPOCHS = 10_000;
  private static final int MOST_STEPS = 10_000_000;
  private static final int MOST_BATCH = 4_096;

  public Optimization {
    InvalidSettingException.require(
        learningRate > 0 && learningRate <= 1,
        "learning_rate",
        learningRate,
        "above 0, and at most 1");
    between("epochs", epochs, 1, MOST_EPOCHS);
    between("max_steps", maxSteps, 0, MOST_STEPS);
    between("batch_size", batchSize, 1, MOST_BATCH);
    between("warm_up_steps", warmUpSteps, 0, MOST_STEPS);
    between("patience", patience, 0, MOST_EPOCHS);
    InvalidSettingException.require(
        clipNorm >= 0 && Double.isFinite(clipNorm),
        "clip_norm",
        clipNorm,
        "finite and not below 0");
    InvalidSettingException.require(
        weightDecay >= 0 && weightDecay < 1, "weight_decay", weightDecay, "in [0, 1)");
  }

  private static void between(String field, int value, int least, int most) {
    InvalidSettingException.require(
        value >= least && value <= most, field, value, "between " + least + " and " + most);
  }

  /// Steps of a run over so many examples.
  int steps(int examples) {
    long all = (long) epochs * Math.ceilDiv(examples, batchSize);
    return (int) Math.min(all, maxSteps == 0 ? MOST_STEPS : maxSteps);
  }

  /// The rate of one step.
  ///
  /// @param step from 0
  /// @param steps of the run
  double rate(int step, int steps) {
    double warmth = warmUpSteps == 0 ? 1 : Math.min(1, (step + 1.0) / warmUpSteps);
    // StrictMath, since the same run must give the same bits wherever it is compiled.
    return learningRate * warmth * 0.5 * (1 + StrictMath.cos(Math.PI * step / steps));
  }
}
