package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;

/// Consecutive tokens of a sequence that took the same path.
///
/// @param count tokens, at least 1
public record PathRun(ComputePath path, int count) {
  public PathRun {
    if (count < 1) {
      throw new IllegalArgumentException("a run of " + count + " tokens");
    }
  }
}
