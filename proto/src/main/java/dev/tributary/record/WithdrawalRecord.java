package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// A contribution must not be trained on any more.
///
/// @param contributor who gave it
/// @param reason as they said it
public record WithdrawalRecord(Open open, String contributor, String reason, long timeMicros)
    implements Record {

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param contributionLeaf index of the contribution's leaf
  public record Open(long hour, long contributionLeaf) {
    void encode(Encoder out) {
      out.u32(hour).u63(contributionLeaf);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.u63());
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.WITHDRAWAL, leaves, Open::decode);
    }
  }

  public WithdrawalRecord {
    Record.checkHour(open.hour(), timeMicros);
  }

  @Override
  public Kind kind() {
    return Kind.WITHDRAWAL;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.utf8(contributor),
            Encoder.utf8(reason),
            Encoder.encode(out -> out.u63(timeMicros))),
        random);
  }

  public static WithdrawalRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.WITHDRAWAL);
    return new WithdrawalRecord(in.open(Open::decode), in.text(), in.text(), in.next(Decoder::u63));
  }
}
