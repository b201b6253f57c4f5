package dev.tributary.server.schedule;

/// Classes in which requests wait; the higher is admitted first, the lower is never starved.
public enum Priority {
  HIGH,
  NORMAL,
  LOW,

  /// What is found out about answers that have ended: not for callers to choose.
  LOWEST
}
