package dev.tributary.server.train;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// What became of a file's lines: `lines = blank + duplicates + excluded + examples`.
///
/// @param lines of the file
/// @param blank without anything on them
/// @param duplicates with contributor and messages of an earlier line; that one is trained on, once
/// @param excluded withdrawn
/// @param examples left to train on
/// @param shared examples whose messages another contributor gave in an earlier line, too; each is
///   trained on, since leaving out one contributor must not leave out another
/// @param contributors examples of each
/// @param tokens of all examples
/// @param targets tokens of all answers, ends of turn included
/// @param longest tokens of the longest example
public record DataReport(
    long lines,
    long blank,
    long duplicates,
    long excluded,
    long examples,
    long shared,
    SortedMap<String, Integer> contributors,
    long tokens,
    long targets,
    int longest) {
  public DataReport {
    if (lines != blank + duplicates + excluded + examples) {
      throw new IllegalArgumentException("a line was lost of " + lines);
    }
    contributors = Collections.unmodifiableSortedMap(new TreeMap<>(contributors));
  }

  /// The same with so many lines more that are withdrawn.
  DataReport plus(long withdrawn) {
    return new DataReport(
        lines + withdrawn,
        blank,
        duplicates,
        excluded + withdrawn,
        examples,
        shared,
        contributors,
        tokens,
        targets,
        longest);
  }
}
