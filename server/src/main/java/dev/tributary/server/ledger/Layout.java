package dev.tributary.server.ledger;

/// Sizes that only tests change.
///
/// @param segmentBytes a segment that has so many gets no further batch
/// @param zeros bytes by which files are filled with zeros ahead
/// @param markEvery leaves between two marks
/// @param batchLeaves most of a batch
/// @param batchBytes leaves and side data of a batch; the last one may go beyond
record Layout(int segmentBytes, int zeros, int markEvery, int batchLeaves, int batchBytes) {
  static final Layout DEFAULT = new Layout(64 << 20, 4 << 20, 65_536, 1_024, 4 << 20);
}
