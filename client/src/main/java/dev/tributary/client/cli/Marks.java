package dev.tributary.client.cli;

import dev.tributary.record.Evidence;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Which contributor is which in a marked text: a number, and on a colour terminal a colour.
///
/// @param numbers from 1 by contributor: those with shares first, in their order
record Marks(Map<String, Integer> numbers) {
  /// Of a span that was copied from the prompt.
  static final String ECHO = "=";

  /// Of a span from examples none of which was scored.
  static final String UNKNOWN = "?";

  /// @param shares contributors with shares, in their order
  static Marks of(List<String> shares, Evidence evidence) {
    Map<String, Integer> numbers = new TreeMap<>();
    shares.forEach(name -> numbers.putIfAbsent(name, numbers.size() + 1));
    for (Evidence.Span span : evidence.spans()) {
      contributors(evidence, span).forEach(name -> numbers.putIfAbsent(name, numbers.size() + 1));
    }
    return new Marks(numbers);
  }

  /// Whose examples have the span, each once.
  static List<String> contributors(Evidence evidence, Evidence.Span span) {
    return span.sources().stream()
        .map(source -> evidence.sources().get(source).contributor())
        .distinct()
        .map(evidence.contributors()::get)
        .toList();
  }

  int number(String contributor) {
    return numbers.getOrDefault(contributor, 0);
  }

  /// A span's mark, such as `1,3`.
  String mark(Evidence evidence, Evidence.Span span) {
    return span.echo() ? ECHO : mark(numbers(evidence, span));
  }

  private static String mark(TreeSet<Integer> numbers) {
    return numbers.isEmpty()
        ? UNKNOWN
        : numbers.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private TreeSet<Integer> numbers(Evidence evidence, Evidence.Span span) {
    return contributors(evidence, span).stream()
        .map(this::number)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /// A piece of the text with one mark.
  ///
  /// @param first number of the contributor whose colour it has, or 0
  private record Piece(String text, String mark, int first) {}

  /// The text with its spans: `[1: like this]`, or in colour with the mark behind.
  ///
  /// @throws IllegalArgumentException if the spans are of another text; the message says why
  String text(Terminal terminal, byte[] text, Evidence evidence) {
    StringBuilder marked = new StringBuilder();
    for (Piece piece : pieces(text, evidence)) {
      String printable = terminal.printable(piece.text);
      if (piece.mark.isEmpty()) {
        marked.append(printable);
      } else if (terminal.colour()) {
        marked.append(terminal.tinted(piece.first, printable));
        marked.append(terminal.dim("[" + piece.mark + "]"));
      } else {
        marked.append('[').append(piece.mark).append(": ").append(printable).append(']');
      }
    }
    return marked.toString();
  }

  /// Cut where spans begin and end.
  private List<Piece> pieces(byte[] text, Evidence evidence) {
    TreeSet<Integer> borders = new TreeSet<>(List.of(0, text.length));
    for (Evidence.Span span : evidence.spans()) {
      if (span.end() > text.length) {
        throw new IllegalArgumentException(
            "it has %d bytes, and a span ends at %d".formatted(text.length, span.end()));
      }
      borders.add(span.start());
      borders.add(span.end());
    }
    List<Piece> pieces = new ArrayList<>();
    int from = borders.first();
    for (int to : borders.tailSet(1)) {
      Piece piece = piece(text, from, to, evidence);
      Piece last = pieces.isEmpty() ? piece : pieces.getLast();
      if (!pieces.isEmpty() && last.mark.equals(piece.mark)) {
        pieces.set(pieces.size() - 1, new Piece(last.text + piece.text, last.mark, last.first));
      } else {
        pieces.add(piece);
      }
      from = to;
    }
    return pieces;
  }

  private Piece piece(byte[] text, int from, int to, Evidence evidence) {
    TreeSet<Integer> numbers = new TreeSet<>();
    boolean echo = false;
    boolean stands = false;
    for (Evidence.Span span : evidence.spans()) {
      if (span.start() <= from && to <= span.end()) {
        echo |= span.echo();
        stands |= !span.echo();
        numbers.addAll(span.echo() ? new TreeSet<>() : numbers(evidence, span));
      }
    }
    String mark = stands ? mark(numbers) : echo ? ECHO : "";
    return new Piece(decoded(text, from, to), mark, numbers.isEmpty() ? 0 : numbers.first());
  }

  private static String decoded(byte[] text, int from, int to) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(text, from, to - from))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("bytes %d to %d are no text".formatted(from, to), e);
    }
  }
}
