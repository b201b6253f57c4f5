package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// A generation was checked.
///
/// @param askedBy a tenant, or who else caused it
/// @param detail what the result does not say
public record AuditRecord(Open open, String askedBy, long timeMicros, String detail)
    implements Record {

  /// What was done. Their order is that of the codes in a record.
  public enum What {
    /// The same generation again, compared.
    REPLAY,

    /// The generation with a contributor's data left out.
    COUNTERFACTUAL
  }

  /// How the generation was chosen. Their order is that of the codes in a record.
  public enum Drawn {
    CALLER,

    /// By public randomness, which the operator cannot bend.
    BEACON,

    OPERATOR_CHOSEN
  }

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param generationLeaf index of the generation's leaf
  /// @param result such as `IDENTICAL`
  public record Open(long hour, long generationLeaf, What what, Drawn drawn, String result) {
    void encode(Encoder out) {
      out.u32(hour).u63(generationLeaf).choice(what).choice(drawn).text(result);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.u63(), in.choice(What.class), in.choice(Drawn.class), in.text());
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.AUDIT, leaves, Open::decode);
    }
  }

  public AuditRecord {
    Record.checkHour(open.hour(), timeMicros);
  }

  @Override
  public Kind kind() {
    return Kind.AUDIT;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.utf8(askedBy),
            Encoder.encode(out -> out.u63(timeMicros)),
            Encoder.utf8(detail)),
        random);
  }

  public static AuditRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.AUDIT);
    return new AuditRecord(in.open(Open::decode), in.text(), in.next(Decoder::u63), in.text());
  }
}
