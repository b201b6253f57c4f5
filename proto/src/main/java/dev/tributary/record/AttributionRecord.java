package dev.tributary.record;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Whose data a generation is credited to. The first one of a generation counts.
///
/// @param contributors names: of those who have shares in the order of these, then of those who
///   only stand in spans
/// @param spans of the answer that stand verbatim in contributors' data
/// @param evidence what the shares follow from, as [Evidence#encode] writes it; empty for methods
///   that have none
public record AttributionRecord(
    Open open, List<String> contributors, List<Span> spans, byte[] evidence) implements Record {

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param generationLeaf index of the generation's leaf
  /// @param method with its version
  public record Open(long hour, long generationLeaf, String method, Shares shares) {
    void encode(Encoder out) {
      out.u32(hour).u63(generationLeaf).text(method);
      shares.encode(out);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.u63(), in.text(), Shares.decode(in));
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.ATTRIBUTION, leaves, Open::decode);
    }
  }

  /// A part of the answer's text.
  ///
  /// @param start in UTF-8 bytes
  /// @param end in UTF-8 bytes, exclusive
  /// @param contributors indices into the names
  public record Span(int start, int end, List<Integer> contributors) {
    public Span {
      contributors = List.copyOf(contributors);
      RecordException.require(start >= 0 && start < end, "a span from " + start + " to " + end);
    }

    void encode(Encoder out) {
      out.u32(start).u32(end).list(contributors, (to, index) -> to.u32(index));
    }

    static Span decode(Decoder in) {
      return new Span(in.u31(), in.u31(), in.list(Decoder::u31));
    }
  }

  public AttributionRecord {
    contributors = List.copyOf(contributors);
    spans = List.copyOf(spans);
    evidence = evidence.clone();
    int names = contributors.size();
    open.shares()
        .checkNames(contributors.subList(0, Math.min(names, open.shares().shares().size())));
    RecordException.require(
        spans.stream()
            .flatMap(span -> span.contributors().stream())
            .allMatch(index -> index >= 0 && index < names),
        "a span is of a contributor without a name");
  }

  /// What follows from `evidence`: shares, and those spans of it, no echoes, that have sources.
  ///
  /// @param pseudonymKey of the adapter's version
  public static AttributionRecord of(
      long hour, long generationLeaf, String method, Evidence evidence, byte[] pseudonymKey) {
    Division division = evidence.divide();
    List<String> names = new ArrayList<>(division.contributors());
    List<Span> spans = spans(evidence, names);
    return new AttributionRecord(
        new Open(hour, generationLeaf, method, division.shares(pseudonymKey)),
        names,
        spans,
        evidence.encode());
  }

  /// @param names of those with shares, in their order; added to
  private static List<Span> spans(Evidence evidence, List<String> names) {
    List<Span> spans = new ArrayList<>();
    for (Evidence.Span span : evidence.spans()) {
      if (span.echo() || span.sources().isEmpty()) {
        continue;
      }
      List<Integer> contributors =
          span.sources().stream()
              .map(source -> evidence.sources().get(source).contributor())
              .distinct()
              .sorted()
              .map(contributor -> number(names, evidence.contributors().get(contributor)))
              .toList();
      spans.add(new Span(span.start(), span.end(), contributors));
    }
    return spans;
  }

  private static int number(List<String> names, String name) {
    if (!names.contains(name)) {
      names.add(name);
    }
    return names.indexOf(name);
  }

  /// Whether shares, names and spans are those that follow from the evidence.
  ///
  /// @throws RecordException if the evidence is none
  public boolean follows() {
    Evidence read = Evidence.decode(evidence);
    Division division = read.divide();
    List<String> names = new ArrayList<>(division.contributors());
    return spans(read, names).equals(spans)
        && names.equals(contributors)
        && division.parts().stream()
            .map(Division.Part::ppm)
            .toList()
            .equals(open.shares().shares().stream().map(Shares.Share::ppm).toList())
        && division.basePpm() == open.shares().basePpm()
        && division.unattributedPpm() == open.shares().unattributedPpm();
  }

  @Override
  public byte[] evidence() {
    return evidence.clone();
  }

  @Override
  public Kind kind() {
    return Kind.ATTRIBUTION;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    open.shares().checkWhole(contributors.subList(0, open.shares().shares().size()));
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.encode(out -> out.list(contributors, Encoder::text)),
            Encoder.encode(out -> out.list(spans, (to, span) -> span.encode(to))),
            evidence),
        random);
  }

  public static AttributionRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.ATTRIBUTION);
    return new AttributionRecord(
        in.open(Open::decode),
        in.next(field -> field.list(Decoder::text)),
        in.next(field -> field.list(Span::decode)),
        in.next(Decoder::rest));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AttributionRecord record
        && open.equals(record.open)
        && contributors.equals(record.contributors)
        && spans.equals(record.spans)
        && Arrays.equals(evidence, record.evidence);
  }

  @Override
  public int hashCode() {
    return open.hashCode();
  }
}
