package dev.tributary.server.tokenize;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// A string of which every character knows where it comes from: the template, or something a caller
/// gave (content, role, template variable, tool description). Characters are Unicode code points,
/// as in Python; the mark survives every operation a template can do. Equality, search and order
/// ignore it, so a template behaves the same whether its input is marked or not.
final class Text implements Value, Comparable<Text> {
  static final Text EMPTY = new Text(new int[0]);

  private static final int GIVEN = 1 << 30;
  private static final int CODE_POINT = GIVEN - 1;

  private final int[] marked;

  private Text(int[] marked) {
    this.marked = marked;
  }

  /// Text that the template or the server wrote.
  static Text own(String text) {
    return text.isEmpty() ? EMPTY : new Text(text.codePoints().toArray());
  }

  /// Text that a caller gave: none of its characters can be part of a control token.
  static Text given(String text) {
    return text.isEmpty() ? EMPTY : new Text(text.codePoints().map(c -> c | GIVEN).toArray());
  }

  int length() {
    return marked.length;
  }

  int codePoint(int index) {
    return marked[index] & CODE_POINT;
  }

  boolean isGiven(int index) {
    return (marked[index] & GIVEN) != 0;
  }

  Text slice(int from, int to) {
    return from == 0 && to == marked.length ? this : new Text(Arrays.copyOfRange(marked, from, to));
  }

  /// Every character of `step` apart from `start`, `count` of them; `step` may be negative.
  Text pick(int start, int step, int count) {
    int[] picked = new int[count];
    for (int i = 0; i < count; i++) {
      picked[i] = marked[start + i * step];
    }
    return new Text(picked);
  }

  Text plus(Text other) {
    if (other.marked.length == 0) {
      return this;
    }
    int[] joined = Arrays.copyOf(marked, marked.length + other.marked.length);
    System.arraycopy(other.marked, 0, joined, marked.length, other.marked.length);
    return new Text(joined);
  }

  boolean matchesAt(int at, Text part) {
    if (at < 0 || at + part.marked.length > marked.length) {
      return false;
    }
    for (int i = 0; i < part.marked.length; i++) {
      if (codePoint(at + i) != part.codePoint(i)) {
        return false;
      }
    }
    return true;
  }

  /// First index >= `from` where `part` occurs, or -1. The comparisons done are charged.
  int indexOf(Text part, int from, RenderBudget budget) {
    for (int at = from; at + part.marked.length <= marked.length; at++) {
      int same = 0;
      while (same < part.marked.length && codePoint(at + same) == part.codePoint(same)) {
        same++;
      }
      if (same == part.marked.length) {
        return at;
      }
      budget.work((same >> 4) + ((at & 15) == 0 ? 1 : 0));
    }
    return -1;
  }

  int lastIndexOf(Text part, int to, RenderBudget budget) {
    for (int at = to - part.marked.length; at >= 0; at--) {
      if (matchesAt(at, part)) {
        return at;
      }
      budget.work((part.marked.length >> 4) + 1L);
    }
    return -1;
  }

  int indexOf(int codePoint) {
    for (int i = 0; i < marked.length; i++) {
      if (codePoint(i) == codePoint) {
        return i;
      }
    }
    return -1;
  }

  /// Without the characters of `set` (null: Python's white space) at the chosen ends.
  Text strip(@Nullable Text set, boolean left, boolean right) {
    int from = 0;
    int to = marked.length;
    while (left && from < to && isStripped(from, set)) {
      from++;
    }
    while (right && to > from && isStripped(to - 1, set)) {
      to--;
    }
    return slice(from, to);
  }

  private boolean isStripped(int index, @Nullable Text set) {
    int c = codePoint(index);
    return set == null ? Python.isSpace(c) : set.indexOf(c) >= 0;
  }

  Text upper() {
    return mapped(i -> Character.toString(codePoint(i)).toUpperCase(Locale.ROOT));
  }

  /// Lower case by Unicode's rules, which make a final sigma depend on what stands around it.
  Text lower() {
    String whole = toString().toLowerCase(Locale.ROOT);
    int[] offset = {0};
    return mapped(
        i -> {
          int length = Character.toString(codePoint(i)).toLowerCase(Locale.ROOT).length();
          offset[0] += length;
          return whole.substring(offset[0] - length, offset[0]);
        });
  }

  /// The first character in title case, the rest lower.
  Text capitalized() {
    if (marked.length == 0) {
      return EMPTY;
    }
    Text first = slice(0, 1);
    Text lowered = lower();
    return first.titleCased().plus(lowered.slice(first.lower().length(), lowered.length()));
  }

  /// Title case of one character.
  Text titleCased() {
    return mapped(
        i -> {
          String one = Character.toString(codePoint(i));
          int title = Character.toTitleCase(codePoint(i));
          String upper = one.toUpperCase(Locale.ROOT);
          return upper.codePointCount(0, upper.length()) > 1 && title == codePoint(i)
              ? upper.substring(0, upper.offsetByCodePoints(0, 1))
                  + upper.substring(upper.offsetByCodePoints(0, 1)).toLowerCase(Locale.ROOT)
              : Character.toString(title);
        });
  }

  /// Each character replaced by what `spelling` says for its index; the mark is inherited.
  Text mapped(IntFunction<String> spelling) {
    Builder builder = new Builder(marked.length);
    for (int i = 0; i < marked.length; i++) {
      builder.add(spelling.apply(i), isGiven(i));
    }
    return builder.build();
  }

  @Override
  public int compareTo(Text other) {
    int shorter = Math.min(marked.length, other.marked.length);
    for (int i = 0; i < shorter; i++) {
      if (codePoint(i) != other.codePoint(i)) {
        return Integer.compare(codePoint(i), other.codePoint(i));
      }
    }
    return Integer.compare(marked.length, other.marked.length);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Text text
        && text.marked.length == marked.length
        && text.matchesAt(0, this);
  }

  @Override
  public int hashCode() {
    int hash = 1;
    for (int i = 0; i < marked.length; i++) {
      hash = 31 * hash + codePoint(i);
    }
    return hash;
  }

  /// The characters without their marks.
  @Override
  public String toString() {
    return toString(0, marked.length);
  }

  String toString(int from, int to) {
    StringBuilder builder = new StringBuilder(to - from);
    for (int i = from; i < to; i++) {
      builder.appendCodePoint(codePoint(i));
    }
    return builder.toString();
  }

  /// Text in the making.
  static final class Builder {
    private int[] marked;
    private int length;

    Builder(int capacity) {
      marked = new int[Math.max(capacity, 16)];
    }

    int length() {
      return length;
    }

    Builder add(Text text) {
      reserve(text.marked.length);
      System.arraycopy(text.marked, 0, marked, length, text.marked.length);
      length += text.marked.length;
      return this;
    }

    Builder add(String text, boolean given) {
      reserve(text.length());
      text.codePoints().forEach(c -> marked[length++] = given ? c | GIVEN : c);
      return this;
    }

    private void reserve(int more) {
      if (length + more > marked.length) {
        marked = Arrays.copyOf(marked, Math.max(length + more, marked.length * 2));
      }
    }

    Text build() {
      return length == 0 ? EMPTY : new Text(Arrays.copyOf(marked, length));
    }
  }
}
