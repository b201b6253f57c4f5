package dev.tributary.server.state;

/// Versions of all tenants.
///
/// @param weightsBytes of their weights together
public record VersionTotals(int versions, long weightsBytes) {}
