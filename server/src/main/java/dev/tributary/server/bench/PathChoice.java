package dev.tributary.server.bench;

import dev.tributary.identity.ComputePath;

/// Which path a measured step takes.
enum PathChoice {
  /// The one that the engine would take for the step's width.
  AUTO,
  NARROW,
  WIDE;

  /// @param rows tokens of the step
  /// @param wideFrom rows from which the wide path is the faster
  ComputePath of(int rows, int wideFrom) {
    return switch (this) {
      case AUTO -> rows >= wideFrom ? ComputePath.WIDE : ComputePath.NARROW;
      case NARROW -> ComputePath.NARROW;
      case WIDE -> ComputePath.WIDE;
    };
  }
}
