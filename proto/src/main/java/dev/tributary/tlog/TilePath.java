package dev.tributary.tlog;

/// Where a tile or an entry bundle of a log is, below the log's address (C2SP tlog-tiles):
/// `tile/LEVEL/INDEX` and `tile/entries/INDEX`, with `.p/WIDTH` behind it unless it is full. An
/// index is written in groups of three digits, all but the last with an `x` before it.
///
/// @param level of a tile, 0 to 63, where 0 has the leaf hashes; or [#ENTRIES]
/// @param index of the tile in its level
/// @param width hashes or entries in it, 1 to 256
public record TilePath(int level, long index, int width) {
  /// The level that stands for the entries themselves.
  public static final int ENTRIES = -1;

  /// Hashes of a full tile, entries of a full bundle.
  public static final int WIDTH = 256;

  private static final int MAX_LEVEL = 63;
  private static final String TILE = "tile/";
  private static final String PARTIAL = ".p/";
  private static final String BUNDLE = "entries";

  /// Digits of a group, and the groups of the largest long.
  private static final int DIGITS = 3;

  private static final int MAX_GROUPS = 7;
  private static final int BASE = 1000;

  /// @throws TlogException if anything is out of its range
  public TilePath {
    if (level < ENTRIES || level > MAX_LEVEL) {
      throw new TlogException("the level of a tile is 0 to 63, not " + level);
    }
    if (index < 0) {
      throw new TlogException("the index of a tile is " + index);
    }
    if (width < 1 || width > WIDTH) {
      throw new TlogException("the width of a tile is 1 to 256, not " + width);
    }
  }

  public static TilePath ofBundle(long index, int width) {
    return new TilePath(ENTRIES, index, width);
  }

  /// @throws TlogException if it is anything but a path in canonical form
  public static TilePath parse(String path) {
    int slash = path.indexOf('/', TILE.length());
    if (!path.startsWith(TILE) || slash < 0) {
      throw new TlogException(Canonical.quoted(path) + " is not tile/LEVEL/INDEX");
    }
    String level = path.substring(TILE.length(), slash);
    int partial = path.indexOf(PARTIAL, slash);
    int end = partial < 0 ? path.length() : partial;
    TilePath parsed =
        new TilePath(
            level.equals(BUNDLE) ? ENTRIES : small("the level of a tile", level),
            index(path.substring(slash + 1, end)),
            partial < 0
                ? WIDTH
                : small("the width of a tile", path.substring(partial + PARTIAL.length())));
    if (!parsed.toString().equals(path)) {
      throw new TlogException(Canonical.quoted(path) + " is written as " + parsed);
    }
    return parsed;
  }

  private static int small(String what, String text) {
    return (int) Math.min(Integer.MAX_VALUE, Canonical.decimal(what, text));
  }

  private static long index(String text) {
    String[] groups = text.split("/", MAX_GROUPS + 1);
    if (groups.length > MAX_GROUPS) {
      throw new TlogException("the index of a tile is above 2^63 - 1");
    }
    StringBuilder digits = new StringBuilder();
    for (int i = 0; i < groups.length; i++) {
      String group = groups[i];
      boolean last = i == groups.length - 1;
      if (group.length() != (last ? DIGITS : DIGITS + 1) || (!last && group.charAt(0) != 'x')) {
        throw new TlogException(Canonical.quoted(text) + " is not groups of three digits");
      }
      digits.append(last ? group : group.substring(1));
    }
    int zeros = 0;
    while (zeros < digits.length() - 1 && digits.charAt(zeros) == '0') {
      zeros++;
    }
    return Canonical.decimal("the index of a tile", digits.substring(zeros));
  }

  /// The path, without a slash before it.
  @Override
  public String toString() {
    StringBuilder groups = new StringBuilder(digits(index % BASE));
    for (long rest = index / BASE; rest > 0; rest /= BASE) {
      groups.insert(0, "x" + digits(rest % BASE) + "/");
    }
    return TILE
        + (level == ENTRIES ? BUNDLE : Integer.toString(level))
        + "/"
        + groups
        + (width == WIDTH ? "" : PARTIAL + width);
  }

  /// Always three.
  private static String digits(long group) {
    return Long.toString(BASE + group).substring(1);
  }
}
