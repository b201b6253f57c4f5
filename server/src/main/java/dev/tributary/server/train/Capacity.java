package dev.tributary.server.train;

/// How much is computed together.
///
/// @param microTokens most tokens that one member has in a pass. It decides in which order
///   gradients are added up, and so their bits: it is part of a run's identity, and the same
///   whether a member is alone or not
/// @param passTokens most tokens of a pass, of all members; changes speed and memory only
public record Capacity(int microTokens, int passTokens) {
  public Capacity {
    if (microTokens < 2 || passTokens < microTokens) {
      throw new IllegalArgumentException(microTokens + " of " + passTokens + " tokens");
    }
  }
}
