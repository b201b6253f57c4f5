package dev.tributary.server.engine;

/// Holds on to a job that was taken.
public interface Ticket {
  /// Frees the job's row within one step; nothing happens if it has ended. Any thread.
  void cancel();
}
