package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.security.SecureRandom;
import java.util.List;

/// The closing of a period.
///
/// A contributor is shown their own [Line] with a Merkle proof to [Open#lines] and nothing of the
/// others, so each line is salted by itself.
///
/// @param lines of [Line#salted], what each contributor is credited
public record SettlementRecord(Open open, List<SaltedField> lines) implements Record {
  /// Of every line.
  public static final String LINE_TAG = "settlement.line";

  /// What all may see. Amounts are millionths of the currency's unit.
  ///
  /// @param hour of this record
  /// @param fromHour first hour of the period
  /// @param toHour first hour after it
  /// @param firstLeaf index of the first leaf that was looked at
  /// @param lastLeaf index of the last leaf that was looked at
  /// @param currency ISO 4217, or the operator's own word for points
  /// @param fees charged in the period
  /// @param credited sum of the lines
  /// @param unattributed contributors' part that none of them is credited
  /// @param lines root over the commitments of the lines in their order ([SaltedField#root])
  public record Open(
      long hour,
      long fromHour,
      long toHour,
      long firstLeaf,
      long lastLeaf,
      String currency,
      long fees,
      long credited,
      long unattributed,
      Hash lines) {
    public Open {
      RecordException.require(
          fromHour < toHour, "a period from hour " + fromHour + " to " + toHour);
      RecordException.require(
          fees >= 0 && credited >= 0 && unattributed >= 0, "an amount below nothing");
    }

    void encode(Encoder out) {
      out.u32(hour)
          .u32(fromHour)
          .u32(toHour)
          .u63(firstLeaf)
          .u63(lastLeaf)
          .text(currency)
          .u63(fees)
          .u63(credited)
          .u63(unattributed)
          .hash(lines);
    }

    static Open decode(Decoder in) {
      return new Open(
          in.u32(), in.u32(), in.u32(), in.u63(), in.u63(), in.text(), in.u63(), in.u63(), in.u63(),
          in.hash());
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.SETTLEMENT, leaves, Open::decode);
    }
  }

  /// What one contributor is credited for one adapter version.
  ///
  /// Contributors are known by names that each tenant gives, and two tenants may have versions of
  /// the same bytes, so a line says whose version it was.
  ///
  /// @param tenant that has the adapter
  /// @param adapter digest of the version
  /// @param generations answers with a share
  /// @param ppm sum of the shares
  /// @param micros earned, millionths of the currency's unit
  public record Line(
      String tenant, String contributor, Hash adapter, long generations, long ppm, long micros) {
    /// With a fresh salt.
    public SaltedField salted(SecureRandom random) {
      byte[] data =
          Encoder.encode(
              out ->
                  out.text(tenant)
                      .text(contributor)
                      .hash(adapter)
                      .u63(generations)
                      .u63(ppm)
                      .u63(micros));
      return SaltedField.draw(LINE_TAG, data, random);
    }

    public static Line of(SaltedField field) {
      RecordException.require(field.tag().equals(LINE_TAG), field.tag() + " is no line");
      return Decoder.decode(
          LINE_TAG,
          field.data(),
          in -> new Line(in.text(), in.text(), in.hash(), in.u63(), in.u63(), in.u63()));
    }
  }

  /// @throws RecordException unless root and sum of the lines are those of `open`
  public SettlementRecord {
    lines = List.copyOf(lines);
    RecordException.require(root(lines).equals(open.lines()), "the root is not that of the lines");
    RecordException.require(
        credited(lines) == open.credited(), "what is credited is not the sum of the lines");
  }

  /// Salts the lines and adds them up. The parameters are those of [Open].
  public static SettlementRecord draw(
      long hour,
      long fromHour,
      long toHour,
      long firstLeaf,
      long lastLeaf,
      String currency,
      long fees,
      long unattributed,
      List<Line> lines,
      SecureRandom random) {
    List<SaltedField> salted = lines.stream().map(line -> line.salted(random)).toList();
    return new SettlementRecord(
        new Open(
            hour,
            fromHour,
            toHour,
            firstLeaf,
            lastLeaf,
            currency,
            fees,
            credited(salted),
            unattributed,
            root(salted)),
        salted);
  }

  private static Hash root(List<SaltedField> lines) {
    return SaltedField.root(lines.stream().map(SaltedField::commitment).toList());
  }

  private static long credited(List<SaltedField> lines) {
    try {
      return lines.stream().mapToLong(field -> Line.of(field).micros()).reduce(0, Math::addExact);
    } catch (ArithmeticException e) {
      throw new RecordException("the sum of the lines is too large", e);
    }
  }

  @Override
  public Kind kind() {
    return Kind.SETTLEMENT;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.encode(
                out -> out.list(lines, (to, line) -> to.raw(line.salt()).bytes(line.data())))),
        random);
  }

  public static SettlementRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.SETTLEMENT);
    return new SettlementRecord(
        in.open(Open::decode), in.next(field -> field.list(SettlementRecord::line)));
  }

  private static SaltedField line(Decoder in) {
    return new SaltedField(LINE_TAG, in.raw(SaltedField.SALT_BYTES), in.bytes());
  }
}
