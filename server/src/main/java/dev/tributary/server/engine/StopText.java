package dev.tributary.server.engine;

import java.util.List;

/// Finds stop strings in text that arrives in pieces, and lets through what can't be part of one.
///
/// The first character that completes a stop string ends the text, before the longest one that ends
/// there; so the result doesn't depend on where the pieces were cut.
final class StopText {
  private final List<String> stops;

  /// What may still turn out to begin a stop string.
  private final StringBuilder held = new StringBuilder();

  private boolean matched;

  StopText(List<String> stops) {
    this.stops = stops;
  }

  /// Takes the next piece; returns the text that it sets free.
  String push(String piece) {
    if (stops.isEmpty() || matched) {
      return matched ? "" : piece;
    }
    for (int i = 0; i < piece.length(); i++) {
      held.append(piece.charAt(i));
      int match = longestMatch();
      if (match > 0) {
        matched = true;
        return release(held.length() - match);
      }
    }
    return release(held.length() - longestBeginning());
  }

  /// A stop string was found; no more text will come.
  boolean matched() {
    return matched;
  }

  /// What was held, when no more pieces come.
  String flush() {
    return matched ? "" : release(held.length());
  }

  /// Length of the longest stop string that the held text ends with, or 0.
  private int longestMatch() {
    int longest = 0;
    for (String stop : stops) {
      if (stop.length() > longest && endsWith(stop, stop.length())) {
        longest = stop.length();
      }
    }
    return longest;
  }

  /// Length of the longest end of the held text that a stop string begins with.
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (endsWith(stop, length)) {
          longest = length;
        }
      }
    }
    return longest;
  }

  /// Whether the held text ends with the first `length` characters of `stop`.
  private boolean endsWith(String stop, int length) {
    int from = held.length() - length;
    if (from < 0) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (held.charAt(from + i) != stop.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }
}
