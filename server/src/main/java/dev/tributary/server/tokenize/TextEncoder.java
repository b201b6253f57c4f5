package dev.tributary.server.tokenize;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Text to ids. Control tokens are found here, leftmost and longest first, only where no character
/// was given by a caller; what stands between them goes to a [Backend] that knows no control token.
/// So control ids come out at those places and at no other.
final class TextEncoder {
  /// A tree of the added tokens by their code points.
  private static final class Branch {
    private final Map<Integer, Branch> branches = new HashMap<>();
    private @Nullable AddedToken token;
  }

  private final Vocabulary vocabulary;
  private final Branch root = new Branch();
  private final Backend first;
  private final Backend later;
  private final int unknown;

  /// @param first encodes what stands at the start of a text
  /// @param later encodes what follows a control token
  /// @param unknown the id for what the vocabulary can't spell, which may be a control id; or -1
  TextEncoder(
      Vocabulary vocabulary,
      List<AddedToken> addedTokens,
      Backend first,
      Backend later,
      int unknown) {
    this.vocabulary = vocabulary;
    this.first = first;
    this.later = later;
    this.unknown = unknown;
    for (AddedToken token : addedTokens) {
      Branch branch = root;
      for (int c : token.content().codePoints().toArray()) {
        branch = branch.branches.computeIfAbsent(c, key -> new Branch());
      }
      branch.token = token;
    }
  }

  int[] encode(Text text) {
    Ids ids = new Ids();
    int start = 0;
    int at = 0;
    while (at < text.length()) {
      AddedToken token = longestAt(text, at);
      if (token == null) {
        at++;
        continue;
      }
      int end = at + token.content().codePointCount(0, token.content().length());
      if (token.control()) {
        int from = at;
        while (token.leftStrip() && from > start && Python.isSpace(text.codePoint(from - 1))) {
          from--;
        }
        while (token.rightStrip() && end < text.length() && Python.isSpace(text.codePoint(end))) {
          end++;
        }
        plain(text, start, from, ids);
        ids.add(token.id());
        start = end;
      }
      at = end;
    }
    plain(text, start, text.length(), ids);
    return ids.toArray();
  }

  private @Nullable AddedToken longestAt(Text text, int at) {
    AddedToken longest = null;
    Branch branch = root;
    boolean own = true;
    for (int i = at; i < text.length(); i++) {
      branch = branch.branches.get(text.codePoint(i));
      if (branch == null) {
        break;
      }
      own &= !text.isGiven(i);
      if (branch.token != null && (own || !branch.token.control())) {
        longest = branch.token;
      }
    }
    return longest;
  }

  private void plain(Text text, int from, int to, Ids ids) {
    if (from == to) {
      return;
    }
    for (int id : (from == 0 ? first : later).encode(text.toString(from, to))) {
      if (vocabulary.isControl(id) && id != unknown) {
        throw new IllegalStateException("plain text became control token " + id);
      }
      ids.add(id);
    }
  }

  /// A growing list of ids.
  private static final class Ids {
    private int[] ids = new int[64];
    private int size;

    void add(int id) {
      if (size == ids.length) {
        ids = Arrays.copyOf(ids, 2 * size);
      }
      ids[size++] = id;
    }

    int[] toArray() {
      return Arrays.copyOf(ids, size);
    }
  }
}
