package dev.tributary.server.schedule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Finds the blocks that a sequence begins with, and knows which of them nobody uses now and for
/// how long.
///
/// A content may be there by several paths; a sequence whose paths are not decided takes any and
/// with it its path, one that computes again takes only what has the paths it is bound to.
final class PrefixCache {
  /// Variants of the same tokens that are kept: each path alone, mixtures, a whole chunk.
  private static final int MAX_VARIANTS = 4;

  private final int pageTokens;
  private final int chunk;
  private final Map<Hash, List<Block>> byContent = new HashMap<>();
  private final @Nullable Block[] byPage;

  /// Pages of blocks that no sequence holds, the one unused longest first.
  private final LinkedHashSet<Integer> idle = new LinkedHashSet<>();

  PrefixCache(int pages, int pageTokens, int chunk) {
    this.pageTokens = pageTokens;
    this.chunk = chunk;
    byPage = new Block[pages];
  }

  /// Blocks that hold the beginning of `sequence`, as far as it may skip computing; in order.
  List<Block> find(Sequence sequence) {
    List<Block> found = new ArrayList<>();
    Scope scope = sequence.scope();
    if (scope == null) {
      return found;
    }
    Hash parent = scope.hash();
    for (int at = 0; at + pageTokens <= sequence.logitsFrom(); at += pageTokens) {
      Block block = fitting(sequence, at, Block.content(parent, sequence.tokens(at, pageTokens)));
      if (block == null) {
        break;
      }
      found.add(block);
      parent = block.key();
    }
    if (sequence.repeatable()) {
      // What is left must begin where a chunk does.
      int whole = found.size() * pageTokens / chunk * chunk;
      return found.subList(0, whole / pageTokens);
    }
    return found;
  }

  private @Nullable Block fitting(Sequence sequence, int at, Hash content) {
    for (Block block : byContent.getOrDefault(content, List.of())) {
      if (sequence.accepts(block, at, pageTokens)) {
        return block;
      }
    }
    return null;
  }

  /// Makes a full page one that others find, unless they find such a one already.
  void offer(Block block) {
    List<Block> variants = byContent.computeIfAbsent(block.content(), content -> new ArrayList<>());
    if (variants.size() < MAX_VARIANTS
        && variants.stream().noneMatch(known -> known.key().equals(block.key()))) {
      variants.add(block);
      byPage[block.page()] = block;
    }
  }

  /// No sequence holds `page` any more. False if it is nothing that others could find.
  boolean rest(int page) {
    return byPage[page] != null && idle.add(page);
  }

  /// A sequence holds `page` again.
  void wake(int page) {
    idle.remove(page);
  }

  /// Pages that can be taken for something else.
  int idle() {
    return idle.size();
  }

  /// The idle page that was unused longest; nobody finds it any more.
  int evict() {
    int page = idle.removeFirst();
    Block block = byPage[page];
    byPage[page] = null;
    if (block != null) {
      List<Block> variants = byContent.getOrDefault(block.content(), List.of());
      variants.remove(block);
      if (variants.isEmpty()) {
        byContent.remove(block.content());
      }
    }
    return page;
  }
}
