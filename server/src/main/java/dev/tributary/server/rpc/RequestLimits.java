package dev.tributary.server.rpc;

/// Bounds of single requests, told by `GetModel`.
///
/// @param maxAdapters adapters of one request
/// @param maxScoreItems items of one ScoreRequest
/// @param maxRows rows that run together in a step
/// @param maxQueued requests that may wait for a row
/// @param maxAdapterBytes bytes of one adapter version's weights in memory
/// @param maxRank highest rank of an adapter
public record RequestLimits(
    int maxAdapters,
    int maxScoreItems,
    int maxRows,
    int maxQueued,
    long maxAdapterBytes,
    int maxRank) {}
