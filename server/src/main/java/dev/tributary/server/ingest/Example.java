package dev.tributary.server.ingest;

/// A training example as it is compared with others.
///
/// @param tokens of all its messages, best without what all examples begin with; not copied
@SuppressWarnings("ArrayRecordComponent") // up to 20 million tokens; compared by Shingles alone
public record Example(String contributor, int[] tokens) {}
