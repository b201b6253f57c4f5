package dev.tributary.server.rpc;

/// How many adapter versions each tier has, and the bytes of their weights.
///
/// @param loads from disk or beyond since the start
public record TierFigures(
    int device, long deviceBytes, int host, long hostBytes, int disk, long diskBytes, long loads) {}
