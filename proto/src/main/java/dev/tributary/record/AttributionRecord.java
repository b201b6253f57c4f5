package dev.tributary.record;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;

/// Whose data a generation is credited to. The first one of a generation counts.
///
/// @param contributors names, in the order of the shares
/// @param spans of the answer that shares come from
/// @param evidence what the shares were computed from, as the method has it
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
