package dev.tributary.tlog;

/// What a log says of itself in the text of a note (C2SP tlog-checkpoint): that its first `size`
/// leaves have this root. Extension lines are refused, since nobody could audit them.
///
/// @param origin which log, on one line
/// @param size leaves
/// @param root of the tree over them
public record Checkpoint(String origin, long size, Hash root) {
  private static final int LINES = 3;

  /// @throws TlogException for an origin that is not one line of text, a negative size, or an empty
  ///   tree with another root than that of the empty tree
  public Checkpoint {
    if (origin.isEmpty() || origin.indexOf('\n') >= 0) {
      throw new TlogException("the origin of a checkpoint is one line");
    }
    Note.checkedText(origin + "\n");
    if (size < 0) {
      throw new TlogException("a checkpoint of " + size + " leaves");
    }
    if (size == 0 && !root.equals(Merkle.EMPTY)) {
      throw new TlogException("a checkpoint of no leaves with another root than the empty tree's");
    }
  }

  /// @param text of a note
  /// @throws TlogException if it is anything but a checkpoint in canonical form, without extensions
  public static Checkpoint parse(String text) {
    String[] lines = text.split("\n", LINES + 1);
    if (lines.length != LINES + 1 || !lines[LINES].isEmpty()) {
      throw new TlogException("a checkpoint has three lines: origin, size and root");
    }
    return new Checkpoint(
        lines[0],
        Canonical.decimal("the size of a checkpoint", lines[1]),
        Canonical.hash("the root of a checkpoint", lines[2]));
  }

  /// The text of its note.
  public String text() {
    return origin + "\n" + size + "\n" + root.base64() + "\n";
  }
}
