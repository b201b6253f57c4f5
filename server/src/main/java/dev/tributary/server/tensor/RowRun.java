package dev.tributary.server.tensor;

/// Neighbouring rows of one sequence, in their order, and the rows that come before them in it.
///
/// Sequences that begin alike share the rows of their beginning: these are a run of their own,
/// which is the prefix of theirs.
///
/// @param from first row
/// @param rows how many, at least one
/// @param prefix first row of the run that comes before
/// @param prefixRows how many that run has; 0 if these rows begin their sequence
public record RowRun(int from, int rows, int prefix, int prefixRows) {
  public RowRun {
    if (from < 0 || rows < 1 || prefix < 0 || prefixRows < 0) {
      throw new IllegalArgumentException(
          rows + " rows from " + from + " after " + prefixRows + " from " + prefix);
    }
  }

  /// The row of token `t` of the sequence.
  int row(int t) {
    return t < prefixRows ? prefix + t : from + t - prefixRows;
  }

  /// Tokens of the sequence.
  int length() {
    return prefixRows + rows;
  }
}
