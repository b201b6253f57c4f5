package dev.tributary.server.train;

/// Hears of a run, on the thread that trains.
public interface TrainingListener {
  /// After a start or resumption, and after each step and evaluation.
  void progress(Progress progress);

  /// A member's run ended.
  default void ended(Outcome outcome) {}
}
