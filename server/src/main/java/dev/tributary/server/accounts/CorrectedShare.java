package dev.tributary.server.accounts;

/// A contributor's part of a generation, as a correction says it.
///
/// @param adapter `tenant/name` of the adapter that the part is for, one of the generation's
/// @param ppm 1 and up
public record CorrectedShare(String contributor, String adapter, int ppm) {}
