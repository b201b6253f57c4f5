package dev.tributary.server.metrics;

/// Runs of training.
///
/// @param queued that wait now
/// @param running now
/// @param tokens trained on since the start
/// @param loss in the last step of the run that runs; NaN without one
/// @param steps of it that are done
public record TrainingFigures(
    int queued,
    int running,
    long succeeded,
    long failed,
    long cancelled,
    long tokens,
    double loss,
    int steps) {
  static final TrainingFigures NONE = new TrainingFigures(0, 0, 0, 0, 0, 0, Double.NaN, 0);
}
