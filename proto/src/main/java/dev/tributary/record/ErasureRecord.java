package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// The salted fields of a leaf were destroyed, so that nobody can open it any more.
///
/// @param tenant whose record it was
/// @param cause such as a request, or the end of retention
public record ErasureRecord(Open open, String tenant, String cause, long timeMicros)
    implements Record {

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param erasedLeaf index of the leaf whose fields are gone
  public record Open(long hour, long erasedLeaf) {
    void encode(Encoder out) {
      out.u32(hour).u63(erasedLeaf);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.u63());
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.ERASURE, leaves, Open::decode);
    }
  }

  public ErasureRecord {
    Record.checkHour(open.hour(), timeMicros);
  }

  @Override
  public Kind kind() {
    return Kind.ERASURE;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.utf8(tenant), Encoder.utf8(cause), Encoder.encode(out -> out.u63(timeMicros))),
        random);
  }

  public static ErasureRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.ERASURE);
    return new ErasureRecord(in.open(Open::decode), in.text(), in.text(), in.next(Decoder::u63));
  }
}
