package dev.tributary.server.adapter;

/// What lies in the device tier at one moment.
///
/// @param adapters versions
/// @param bytes of their weights
/// @param leases open on them
/// @param loads since the start
public record TierStats(int adapters, long bytes, int leases, long loads) {}
