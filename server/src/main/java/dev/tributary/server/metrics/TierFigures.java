package dev.tributary.server.metrics;

/// How full one tier of adapters is.
///
/// @param tier `device`, `host` or `disk`
/// @param adapters versions whose best place it is
/// @param bytes that they take there
public record TierFigures(String tier, long adapters, long bytes) {}
