package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A record as leaves and the salted fields under the main one's root: what the log appends, and
/// what is kept in private beside it.
///
/// @param continuations of `leaf`'s open fields, mostly none; they are appended before it
/// @param fields all of the kind, in the order of [Kind#tags]
public record Sealed(Leaf leaf, List<Leaf> continuations, List<SaltedField> fields) {
  /// "TS".
  private static final int MAGIC = 0x5453;

  private static final int SCHEMA = 1;

  public Sealed {
    continuations = List.copyOf(continuations);
    fields = List.copyOf(fields);
    List<String> tags = fields.stream().map(SaltedField::tag).toList();
    RecordException.require(
        tags.equals(leaf.kind().tags()),
        leaf.kind() + " has the salted fields " + leaf.kind().tags() + ", not " + tags);
  }

  public Sealed(Leaf leaf, List<SaltedField> fields) {
    this(leaf, List.of(), fields);
  }

  /// @param open what the kind shows to all
  /// @param values of the salted fields, in the order of [Kind#tags]
  static Sealed draw(Kind kind, byte[] open, List<byte[]> values, SecureRandom random) {
    List<SaltedField> fields = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      fields.add(SaltedField.draw(kind.tags().get(i), values.get(i), random));
    }
    List<Leaf> leaves = OpenPart.split(kind, open, rootOf(fields), random);
    return new Sealed(leaves.getLast(), leaves.subList(0, leaves.size() - 1), fields);
  }

  /// All leaves in the order in which they are appended, the main one last.
  public List<Leaf> leaves() {
    return Stream.concat(continuations.stream(), Stream.of(leaf)).toList();
  }

  /// @throws RecordException unless fields and continuations are what the leaf says
  public void check() {
    RecordException.require(
        rootOf(fields).equals(leaf.root()), leaf.kind() + ": fields do not lead to the root");
    OpenPart.join(leaves());
  }

  public byte[] encode() {
    return Encoder.encode(
        out ->
            out.u16(MAGIC)
                .u16(SCHEMA)
                .list(leaves(), (to, each) -> to.bytes(each.encode()))
                .list(fields, (to, field) -> to.raw(field.salt()).bytes(field.data())));
  }

  /// Doesn't [#check].
  ///
  /// @throws RecordException unless [#encode] made these bytes
  public static Sealed decode(byte[] bytes) {
    return Decoder.decode("sealed record", bytes, Sealed::decode);
  }

  private static Sealed decode(Decoder in) {
    in.check(in.u16() == MAGIC, "does not begin with TS");
    int schema = in.u16();
    in.check(schema == SCHEMA, "schema " + schema + " is not known");
    List<Leaf> leaves = in.list(each -> Leaf.decode(each.bytes()));
    in.check(!leaves.isEmpty(), "has no leaf");
    List<String> tags = leaves.getLast().kind().tags();
    int count = in.u31();
    in.check(count == tags.size(), "has " + count + " fields, not " + tags.size());
    List<SaltedField> fields = new ArrayList<>();
    for (String tag : tags) {
      fields.add(new SaltedField(tag, in.raw(SaltedField.SALT_BYTES), in.bytes()));
    }
    return new Sealed(leaves.getLast(), leaves.subList(0, leaves.size() - 1), fields);
  }

  private static Hash rootOf(List<SaltedField> fields) {
    return SaltedField.root(fields.stream().map(SaltedField::commitment).toList());
  }
}
