package dev.tributary.server.accounts;

/// A generation that began and has not ended yet, or was interrupted.
///
/// @param leaf of its Started record
/// @param startMicros since 1970
public record OpenGeneration(long leaf, String id, String tenant, long startMicros) {}
