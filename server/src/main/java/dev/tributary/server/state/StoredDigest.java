package dev.tributary.server.state;

/// Files in the store, which are kept by tenant and adapter digest.
public record StoredDigest(String tenant, String digest) {}
