package dev.tributary.server.schedule;

/// A full page whose content others may share: it will not be written again.
///
/// Its bits are a function of its key: the scope, the path of each of its tokens, and `content`,
/// the SHA-256 of the parent's key (the scope's for the first) and the token ids.
///
/// @param wide bit `i` is set if the page's `i`th token took the wide path
/// @param fixedChunk all of it was computed in a whole chunk between fixed positions, by the path
///   that repeatable requests take; in the key, too, so that they find theirs beside others'
/// @param key SHA-256 of the key's parts, the beginning of the content of blocks that follow
record Block(int page, Hash content, int wide, boolean fixedChunk, Hash key) {
  Block(int page, Hash content, int wide, boolean fixedChunk) {
    this(page, content, wide, fixedChunk, content.then(wide, fixedChunk ? 1 : 0));
  }

  /// @param parent key of the block before, or hash of the scope
  /// @param tokens of this block
  static Hash content(Hash parent, int[] tokens) {
    return parent.then(tokens);
  }
}
