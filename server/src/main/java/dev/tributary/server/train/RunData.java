package dev.tributary.server.train;

/// What a run trains on.
///
/// @param examples what became of the lines
/// @param heldOut examples that are evaluated and not trained on
public record RunData(DataReport examples, int heldOut) {}
