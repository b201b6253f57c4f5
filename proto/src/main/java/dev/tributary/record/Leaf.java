package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.Arrays;

/// An entry of the log, which anyone who reads entries may see.
///
/// @param nonce 16 random bytes, so that no two leaves are equal
/// @param open what the kind shows to all, encoded; see the package's text
/// @param root over the commitments of the salted fields; [Merkle#EMPTY] where the kind has none
public record Leaf(Kind kind, byte[] nonce, byte[] open, Hash root) {
  /// Most bytes of an entry, since entry bundles count them in a u16.
  public static final int MAX_BYTES = 65_535;

  public static final int NONCE_BYTES = 16;

  /// Most bytes of `open`.
  static final int MAX_OPEN = MAX_BYTES - 2 - 2 - 1 - NONCE_BYTES - Hash.BYTES;

  /// "TL".
  private static final int MAGIC = 0x544c;

  private static final int SCHEMA = 1;

  public Leaf {
    RecordException.require(
        nonce.length == NONCE_BYTES, "a nonce has 16 bytes, not " + nonce.length);
    RecordException.require(
        open.length <= MAX_OPEN,
        "open fields have at most " + MAX_OPEN + " bytes, not " + open.length);
    RecordException.require(
        !kind.tags().isEmpty() || root.equals(Merkle.EMPTY),
        kind + " has no salted fields, but a root over some");
    nonce = nonce.clone();
    open = open.clone();
  }

  @Override
  public byte[] nonce() {
    return nonce.clone();
  }

  @Override
  public byte[] open() {
    return open.clone();
  }

  /// At most [#MAX_BYTES].
  public byte[] encode() {
    return Encoder.encode(
        out -> out.u16(MAGIC).u16(SCHEMA).u8(kind.code()).raw(nonce).raw(open).hash(root));
  }

  /// @throws RecordException unless [#encode] made these bytes
  public static Leaf decode(byte[] bytes) {
    RecordException.require(
        bytes.length <= MAX_BYTES, "a leaf has at most 65535 bytes, not " + bytes.length);
    int root = Math.max(0, bytes.length - Hash.BYTES);
    Hash under =
        Decoder.decode("leaf", Arrays.copyOfRange(bytes, root, bytes.length), Decoder::hash);
    return Decoder.decode("leaf", Arrays.copyOf(bytes, root), in -> decode(in, under));
  }

  private static Leaf decode(Decoder in, Hash root) {
    in.check(in.u16() == MAGIC, "does not begin with TL");
    int schema = in.u16();
    in.check(schema == SCHEMA, "schema " + schema + " is not known");
    return new Leaf(Kind.ofCode(in.u8()), in.raw(NONCE_BYTES), in.rest(), root);
  }

  /// How many [Kind#CONTINUATION] leaves come right before it with the rest of its open fields.
  ///
  /// @throws RecordException if its open fields begin as none do
  public int continuations() {
    return kind == Kind.CONTINUATION ? 0 : OpenPart.continuations(this);
  }

  /// The leaf's hash in the log's tree.
  public Hash hash() {
    return Merkle.leaf(encode());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Leaf leaf
        && kind == leaf.kind
        && Arrays.equals(nonce, leaf.nonce)
        && Arrays.equals(open, leaf.open)
        && root.equals(leaf.root);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(nonce);
  }

  @Override
  public String toString() {
    return "Leaf[" + kind + ", " + open.length + " open bytes, " + root + "]";
  }
}
