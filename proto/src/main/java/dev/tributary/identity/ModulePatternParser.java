package dev.tributary.identity;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// Recursive descent over a [ModulePattern].
final class ModulePatternParser {
  /// A pattern's syntax tree.
  sealed interface Node {
    /// One character out of a set of ASCII codes.
    record Chars(BitSet set) implements Node {}

    record Sequence(List<Node> parts) implements Node {}

    record Choice(List<Node> options) implements Node {}

    /// From `min` to `max` times, or without bound where `max` is -1.
    record Repeat(Node body, int min, int max) implements Node {}

    record Assertion(Kind kind) implements Node {}

    record Lookahead(Node body, boolean wanted) implements Node {}
  }

  /// What can hold between two characters.
  enum Kind {
    START,
    END,
    WORD_BOUNDARY,
    NO_WORD_BOUNDARY
  }

  private static final int ASCII = 128;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_REPEAT = 1_000;

  private final String source;
  private int at;
  private int depth;
  private boolean inLookahead;

  ModulePatternParser(String source) {
    // The suffix form adds ten characters of its own.
    if (source.length() > ModulePattern.MAX_CHARS + 10) {
      throw new IllegalArgumentException(
          "a pattern of more than " + ModulePattern.MAX_CHARS + " characters");
    }
    this.source = source;
  }

  Node parse() {
    Node node = choice();
    if (at < source.length()) {
      throw error("unbalanced )");
    }
    return node;
  }

  private Node choice() {
    if (++depth > MAX_DEPTH) {
      throw error("groups nested more than " + MAX_DEPTH + " deep");
    }
    List<Node> options = new ArrayList<>();
    do {
      options.add(sequence());
    } while (accept('|'));
    depth--;
    return options.size() == 1 ? options.getFirst() : new Node.Choice(options);
  }

  private Node sequence() {
    List<Node> parts = new ArrayList<>();
    while (at < source.length() && source.charAt(at) != '|' && source.charAt(at) != ')') {
      parts.add(quantified(atom()));
    }
    return new Node.Sequence(parts);
  }

  private Node atom() {
    char c = source.charAt(at++);
    return switch (c) {
      case '(' -> group();
      case '[' -> characterClass();
      case '.' -> chars(complement(of('\n')));
      case '^' -> new Node.Assertion(Kind.START);
      case '$' -> new Node.Assertion(Kind.END);
      case '\\' -> escape();
      case '*', '+', '?', '{' -> throw error("nothing to repeat");
      case '}', ']' -> throw error("a bare " + c + "; escape it");
      default -> chars(of(printable(c)));
    };
  }

  private Node group() {
    if (!accept('?')) {
      return closed(choice());
    }
    if (accept(':')) {
      return closed(choice());
    }
    boolean wanted = accept('=');
    if (!wanted && !accept('!')) {
      throw error("of the (? groups only (?: (?= and (?! are supported");
    }
    if (inLookahead) {
      throw error("lookahead inside lookahead");
    }
    inLookahead = true;
    Node body = closed(choice());
    inLookahead = false;
    return new Node.Lookahead(body, wanted);
  }

  private Node closed(Node body) {
    if (!accept(')')) {
      throw error("a group without its )");
    }
    return body;
  }

  private Node quantified(Node node) {
    if (at == source.length() || "*+?{".indexOf(source.charAt(at)) < 0) {
      return node;
    }
    if (node instanceof Node.Assertion || node instanceof Node.Lookahead) {
      throw error("an assertion cannot be repeated");
    }
    int min = 0;
    int max = -1;
    switch (source.charAt(at++)) {
      case '+' -> min = 1;
      case '?' -> max = 1;
      case '{' -> {
        boolean open = source.startsWith(",", at);
        min = open ? 0 : number();
        max = accept(',') ? (source.startsWith("}", at) ? -1 : number()) : min;
        if (!accept('}') || (max >= 0 && max < min)) {
          throw error("not a repetition; escape a literal {");
        }
      }
      default -> {
        // '*' is what min and max say already.
      }
    }
    accept('?'); // Lazy: another way to the same answer.
    if (at < source.length() && "*+?{".indexOf(source.charAt(at)) >= 0) {
      throw error("a repetition of a repetition");
    }
    return new Node.Repeat(node, min, max);
  }

  private int number() {
    int start = at;
    int value = 0;
    while (at < source.length() && source.charAt(at) >= '0' && source.charAt(at) <= '9') {
      value = value * 10 + source.charAt(at++) - '0';
      if (value > MAX_REPEAT) {
        throw error("a repetition of more than " + MAX_REPEAT);
      }
    }
    if (at == start) {
      throw error("not a repetition; escape a literal {");
    }
    return value;
  }

  private Node escape() {
    char c = next("an escape without a character");
    return switch (c) {
      case 'b' -> new Node.Assertion(Kind.WORD_BOUNDARY);
      case 'B' -> new Node.Assertion(Kind.NO_WORD_BOUNDARY);
      default -> chars(escapedSet(c));
    };
  }

  private BitSet escapedSet(char c) {
    return switch (c) {
      case 'd' -> range('0', '9');
      case 'D' -> complement(range('0', '9'));
      case 'w' -> words();
      case 'W' -> complement(words());
      case 's' -> spaces();
      case 'S' -> complement(spaces());
      default -> {
        if (words().get(c) && c != '_') {
          throw error("the escape \\" + c + " is not supported");
        }
        yield of(printable(c));
      }
    };
  }

  private Node characterClass() {
    boolean negated = accept('^');
    if (source.startsWith("]", at)) {
      throw error("a ] at the start of a class; escape it");
    }
    BitSet set = new BitSet(ASCII);
    while (!accept(']')) {
      addMember(set);
    }
    return chars(negated ? complement(set) : set);
  }

  private void addMember(BitSet set) {
    BitSet low = member();
    boolean isRange =
        source.startsWith("-", at) && at + 1 < source.length() && source.charAt(at + 1) != ']';
    if (!isRange) {
      set.or(low);
      return;
    }
    at++;
    BitSet high = member();
    int first = low.nextSetBit(0);
    int last = high.nextSetBit(0);
    if (low.cardinality() != 1 || high.cardinality() != 1 || last < first) {
      throw error("not a range of characters");
    }
    set.set(first, last + 1);
  }

  private BitSet member() {
    char c = next("a class without its ]");
    return switch (c) {
      case '[' -> throw error("a [ inside a class; escape it");
      case '\\' -> {
        char escaped = next("an escape without a character");
        if (escaped == 'b') {
          throw error("the escape \\b in a class is not supported");
        }
        yield escapedSet(escaped);
      }
      default -> of(printable(c));
    };
  }

  private char next(String otherwise) {
    if (at == source.length()) {
      throw error(otherwise);
    }
    return source.charAt(at++);
  }

  private boolean accept(char c) {
    if (at < source.length() && source.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private char printable(char c) {
    if (c < ' ' || c > '~') {
      throw error("a character that is not printable ASCII");
    }
    return c;
  }

  private IllegalArgumentException error(String reason) {
    return new IllegalArgumentException("at character " + at + ": " + reason);
  }

  private static Node chars(BitSet set) {
    return new Node.Chars(set);
  }

  private static BitSet of(char c) {
    return range(c, c);
  }

  private static BitSet range(char first, char last) {
    BitSet set = new BitSet(ASCII);
    set.set(first, last + 1);
    return set;
  }

  private static BitSet complement(BitSet set) {
    BitSet result = new BitSet(ASCII);
    result.set(0, ASCII);
    result.andNot(set);
    return result;
  }

  static BitSet words() {
    BitSet set = range('a', 'z');
    set.or(range('A', 'Z'));
    set.or(range('0', '9'));
    set.set('_');
    return set;
  }

  private static BitSet spaces() {
    BitSet set = range('\t', '\r');
    set.or(range('\u001c', ' '));
    return set;
  }
}
