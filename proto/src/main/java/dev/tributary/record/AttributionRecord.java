package dev.tributary.record;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Whose data a generation is credited to. The first one of a generation counts.
///
/// @param contributors names, in the order of the shares
/// @param spans of the answer that shares come from
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
  /// @param contributors indices into the shares
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
    int shares = open.shares().shares().size();
    open.shares().checkNames(contributors);
    RecordException.require(
        spans.stream()
            .flatMap(span -> span.contributors().stream())
            .allMatch(index -> index >= 0 && index < shares),
        "a span is of a contributor without a share");
  }

  /// What follows from `evidence`: shares, names, and those spans of it, no echoes, in which a
  /// contributor with a share has sources.
  ///
  /// @param pseudonymKey of the adapter's version
  public static AttributionRecord of(
      long hour, long generationLeaf, String method, Evidence evidence, byte[] pseudonymKey) {
    Division division = evidence.divide();
    return new AttributionRecord(
        new Open(hour, generationLeaf, method, division.shares(pseudonymKey)),
        division.contributors(),
        spans(evidence, division.contributors()),
        evidence.encode());
  }

  /// @param names of those with shares, in their order
  private static List<Span> spans(Evidence evidence, List<String> names) {
    int[] shares = evidence.contributors().stream().mapToInt(names::indexOf).toArray();
    List<Span> spans = new ArrayList<>();
    for (Evidence.Span span : evidence.spans()) {
      List<Integer> contributors =
          span.sources().stream()
              .map(source -> shares[evidence.sources().get(source).contributor()])
              .filter(share -> share >= 0)
              .distinct()
              .sorted()
              .toList();
      if (!span.echo() && !contributors.isEmpty()) {
        spans.add(new Span(span.start(), span.end(), contributors));
      }
    }
    return spans;
  }

  /// Whether shares, names and spans are those that follow from the evidence.
  ///
  /// @throws RecordException if the evidence is none
  public boolean follows() {
    Evidence read = Evidence.decode(evidence);
    Division division = read.divide();
    return division.contributors().equals(contributors)
        && division.parts().stream()
            .map(Division.Part::ppm)
            .toList()
            .equals(open.shares().shares().stream().map(Shares.Share::ppm).toList())
        && division.basePpm() == open.shares().basePpm()
        && division.unattributedPpm() == open.shares().unattributedPpm()
        && spans(read, contributors).equals(spans);
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
    open.shares().checkWhole(contributors);
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
