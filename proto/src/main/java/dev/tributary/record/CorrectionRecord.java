package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// Takes the place of an attribution before its period closes.
///
/// @param contributors names, in the order of the shares
public record CorrectionRecord(Open open, String reason, List<String> contributors, long timeMicros)
    implements Record {

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param generationLeaf index of the generation's leaf
  /// @param attributionLeaf index of the leaf that counts no more: an attribution, or a correction
  public record Open(long hour, long generationLeaf, long attributionLeaf, Shares shares) {
    void encode(Encoder out) {
      out.u32(hour).u63(generationLeaf).u63(attributionLeaf);
      shares.encode(out);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.u63(), in.u63(), Shares.decode(in));
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.CORRECTION, leaves, Open::decode);
    }
  }

  public CorrectionRecord {
    contributors = List.copyOf(contributors);
    open.shares().checkNames(contributors);
    Record.checkHour(open.hour(), timeMicros);
  }

  @Override
  public Kind kind() {
    return Kind.CORRECTION;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    open.shares().checkWhole(contributors);
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.utf8(reason),
            Encoder.encode(out -> out.list(contributors, Encoder::text)),
            Encoder.encode(out -> out.u63(timeMicros))),
        random);
  }

  public static CorrectionRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.CORRECTION);
    return new CorrectionRecord(
        in.open(Open::decode),
        in.text(),
        in.next(field -> field.list(Decoder::text)),
        in.next(Decoder::u63));
  }
}
