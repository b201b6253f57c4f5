package dev.tributary.server.web;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.TilePath;
import dev.tributary.tlog.TlogException;
import java.util.function.Function;

/// The log as others' tools read it (C2SP tlog-tiles): `/checkpoint`, `/tile/L/N[.p/W]` for all,
/// and `/tile/entries/N[.p/W]` for auditors. Thread safe.
///
/// Any width is served whose last leaf is under the newest checkpoint: a tile of the log is the
/// beginning of every later one, so a partial tile never changes. Entries are not compressed; they
/// are digests and random bytes.
public final class LogPages {
  static final String CHECKPOINT = "/checkpoint";
  static final String TILES = "/tile/";

  private static final String BYTES = "application/octet-stream";
  private static final int OK = 200;

  /// Bits of a tile's height: its hashes are the leaves of a tree of 256.
  private static final int HEIGHT = 8;

  /// A checkpoint is published five times a second at most; tlog-tiles allows a few seconds.
  private static final String SHORTLY = "public, max-age=1";

  private static final String FOR_EVER = "public, max-age=31536000, immutable";

  /// What a key is good for.
  public enum Verdict {
    /// Its role reads entries.
    ADMITTED,
    /// Its role does not.
    DENIED,
    /// There is no such key.
    UNKNOWN
  }

  private final LogFiles log;
  private final Function<String, Verdict> keys;

  /// @param keys tells whether the owner of a key, the header's word after `Bearer`, may read
  ///   entries. May block
  public LogPages(LogFiles log, Function<String, Verdict> keys) {
    this.log = log;
    this.keys = keys;
  }

  /// What `/checkpoint` shows. Does not block.
  Page checkpoint() {
    return new Page(OK, Page.PLAIN, SHORTLY, log.checkpoint().bytes());
  }

  /// The tile or the entries at `path`. Reads files.
  ///
  /// @param key that came with the request; empty for none
  Page tile(String path, String key) {
    TilePath tile;
    try {
      tile = TilePath.parse(path.substring(1));
    } catch (TlogException e) {
      return Page.text(404, e.getMessage() + "\n");
    }
    boolean entries = tile.level() == TilePath.ENTRIES;
    if (entries) {
      switch (key.isEmpty() ? Verdict.UNKNOWN : keys.apply(key)) {
        case UNKNOWN -> {
          return Page.text(401, "entries need a key: Authorization: Bearer KEY\n");
        }
        case DENIED -> {
          return Page.text(403, "entries are for the roles auditor and admin\n");
        }
        case ADMITTED -> {}
      }
    }
    if (!isPublished(tile)) {
      return Page.text(404, "the log has no such tile yet\n");
    }
    return entries
        ? new Page(OK, BYTES, log.bundle(tile.index(), tile.width()))
        : new Page(OK, BYTES, FOR_EVER, log.tile(tile.level(), tile.index(), tile.width()));
  }

  /// Whether the last leaf under the tile is under the newest checkpoint.
  private boolean isPublished(TilePath tile) {
    long size = Checkpoint.parse(log.checkpoint().text()).size();
    int bits = HEIGHT * Math.max(tile.level(), 0);
    // Roots that the tile's level has.
    long hashes = bits < Long.SIZE ? size >>> bits : 0;
    long whole = hashes / TilePath.WIDTH;
    return tile.index() < whole
        || (tile.index() == whole && tile.width() <= hashes % TilePath.WIDTH);
  }
}
