package dev.tributary.server.train;

import java.nio.file.Path;

/// How a member's run ended.
public sealed interface Outcome {
  /// Name of the member.
  String member();

  /// There is an adapter.
  ///
  /// @param folder as PEFT saves one, with [TrainingReport#FILE]
  record Trained(String member, Path folder, TrainingReport report) implements Outcome {}

  /// Its numbers left the finite; there is none.
  ///
  /// @param step from 1
  record Diverged(String member, int step, String why) implements Outcome {}

  /// Somebody said so; its checkpoint stays.
  ///
  /// @param step that was the last
  record Cancelled(String member, int step) implements Outcome {}
}
