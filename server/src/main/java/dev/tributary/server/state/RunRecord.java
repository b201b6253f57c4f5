package dev.tributary.server.state;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A run of training. Times are to the millisecond. Settings, data, progress and result are JSON of
/// whoever trains, kept as they are; empty where there is nothing yet.
///
/// @param sequence grows from run to run, of all tenants
/// @param adapter that gets the version, or has the audited one
/// @param error why it failed; empty else
/// @param alias to be set to the new version; empty: none
/// @param subsets of contributors to retrain on; 0: none
/// @param seeds adapters of each subset
/// @param manifest digest of the contributions that it trains on
/// @param data what became of their lines
/// @param version number of the version that came out, or whose audit set it is; null before
/// @param digest of its adapter; empty before. Known from the moment that it is trained, before
///   there is a version
/// @param requestId of its start; empty: none
/// @param ended null: it waits or runs
public record RunRecord(
    long sequence,
    String id,
    AdapterName adapter,
    Kind kind,
    State state,
    String error,
    String settings,
    String alias,
    int subsets,
    int seeds,
    String manifest,
    String data,
    String progress,
    String result,
    @Nullable Integer version,
    String digest,
    String requestId,
    Instant created,
    @Nullable Instant ended) {
  /// Characters of an error that are kept.
  static final int MAX_ERROR = 2_000;

  /// What comes out.
  public enum Kind {
    VERSION,
    AUDIT_SET
  }

  /// Where a run is, as the contract's TrainingRun.State.
  public enum State {
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED
  }

  /// Whether it waits or runs.
  public boolean isOpen() {
    return ended == null;
  }
}
