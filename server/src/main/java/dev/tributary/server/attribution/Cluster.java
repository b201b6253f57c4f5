package dev.tributary.server.attribution;

/// Examples of one contributor that say the same.
///
/// @param contributor whose it is: who committed it first
/// @param example number of the one that stands for all
/// @param examples how many there are
public record Cluster(String contributor, int example, int examples) {}
