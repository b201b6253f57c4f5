package dev.tributary.server.state;

/// Whether a version can be used, as the contract's AdapterVersion.State.
public enum VersionState {
  /// Can be named in requests.
  READY,
  /// Failed its digest or its proof of effect; never served.
  QUARANTINED,
  /// Waits for its last lease. READY again at the next start, since no lease outlives the process.
  DRAINING
}
