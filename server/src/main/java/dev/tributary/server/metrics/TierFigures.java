package dev.tributary.server.metrics;

/// How many adapter versions each tier has, and the bytes of their weights. A version counts where
/// it is best.
///
/// @param loads from disk or beyond since the start
public record TierFigures(
    int device, long deviceBytes, int host, long hostBytes, int disk, long diskBytes, long loads) {
  static final TierFigures NONE = new TierFigures(0, 0, 0, 0, 0, 0, 0);
}
