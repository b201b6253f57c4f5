package dev.tributary.server.state;

/// How a version's manifest of contributions came to be, as the contract's AdapterVersion.Origin.
public enum Origin {
  /// This server trained it on the manifest.
  TRAINED_HERE,
  /// Retraining from the manifest gave its behaviour.
  REPRODUCED,
  /// Its owner says so; no credit is paid on it.
  CLAIMED
}
