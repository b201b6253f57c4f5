package dev.tributary.client;

import java.util.OptionalLong;

/// Something about a log that must not be.
///
/// @param leafIndex of the leaf that it is about; empty if it is about no single one
public record Finding(OptionalLong leafIndex, String sentence) {
  static Finding at(long leafIndex, String sentence) {
    return new Finding(OptionalLong.of(leafIndex), sentence);
  }

  static Finding of(String sentence) {
    return new Finding(OptionalLong.empty(), sentence);
  }
}
