package dev.tributary.server.accounts;

import dev.tributary.tlog.Hash;

/// A contributor's part of a generation, as a correction says it.
///
/// @param adapter digest of the version that the part is for, one of the generation's
/// @param ppm 1 and up
public record CorrectedShare(String contributor, Hash adapter, int ppm) {}
