package dev.tributary.server.state;

/// What a tenant keeps.
///
/// @param bytes in the store; versions of the same digest are stored, and counted, once
public record StorageUse(int adapters, long bytes) {}
