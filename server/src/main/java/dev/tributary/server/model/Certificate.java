package dev.tributary.server.model;

import java.util.Arrays;
import java.util.List;

/// What a base's four bits cost, measured against the source that it was made of.
///
/// @param baseDigest `sha256:<hex>`
/// @param sourceDigest `sha256:<hex>`
/// @param textDigest of the texts' tokens, `sha256:<hex>`: figures of other texts don't compare
/// @param time when it was measured, seconds since 1970
/// @param baseFormats how the base's file holds its weights
/// @param sourceFormats likewise
/// @param slices kinds of text, each with what was measured on it
/// @param all the same of all positions of all slices together
/// @param leftOut slices that could not be measured, and why
public record Certificate(
    String baseDigest,
    String sourceDigest,
    String textDigest,
    long time,
    List<Format> baseFormats,
    List<Format> sourceFormats,
    List<Slice> slices,
    Slice all,
    List<String> leftOut) {
  public Certificate {
    baseFormats = List.copyOf(baseFormats);
    sourceFormats = List.copyOf(sourceFormats);
    slices = List.copyOf(slices);
    leftOut = List.copyOf(leftOut);
  }

  /// Tensors of one type in a file.
  ///
  /// @param type such as `Q4_1`
  /// @param weights elements of all of them together
  public record Format(String type, int tensors, long weights) {}

  /// What was measured on one kind of text.
  ///
  /// @param tokens that were predicted
  /// @param sourcePerplexity e to the mean of -ln p of those tokens
  /// @param klMean of KL(source || base), nats a token
  /// @param klP99 so much or less at 99 of 100 tokens (nearest rank)
  /// @param flips tokens at which the two's most probable tokens differ
  public record Slice(
      String name,
      int tokens,
      double sourcePerplexity,
      double basePerplexity,
      double klMean,
      double klP99,
      int flips) {

    /// @param positions at least one
    static Slice of(String name, List<Divergence> positions) {
      double[] kls = positions.stream().mapToDouble(Divergence::kl).sorted().toArray();
      return new Slice(
          name,
          kls.length,
          Math.exp(positions.stream().mapToDouble(Divergence::sourceLoss).sum() / kls.length),
          Math.exp(positions.stream().mapToDouble(Divergence::baseLoss).sum() / kls.length),
          Arrays.stream(kls).sum() / kls.length,
          kls[Math.ceilDiv(99 * kls.length, 100) - 1],
          (int) positions.stream().filter(Divergence::flipped).count());
    }
  }
}
