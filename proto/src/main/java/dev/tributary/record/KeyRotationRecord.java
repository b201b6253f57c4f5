package dev.tributary.record;

import dev.tributary.tlog.NoteSignature;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;

/// The log is signed with another key from some size on. Both keys sign the [#statement], as they
/// would sign the text of a note.
///
/// @param oldKey signs no checkpoint of more than `size` leaves
/// @param newKey signs no checkpoint of `size` leaves or fewer
/// @param byOld Ed25519 signature, 64 bytes
/// @param byNew Ed25519 signature, 64 bytes
public record KeyRotationRecord(
    VerifierKey oldKey, VerifierKey newKey, long size, NoteSignature byOld, NoteSignature byNew)
    implements Record {
  private static final int SIGNATURE_BYTES = 64;

  public KeyRotationRecord {
    RecordException.require(
        oldKey.type() == VerifierKey.Type.NOTE && newKey.type() == VerifierKey.Type.NOTE,
        "a log signs with keys of notes");
    RecordException.require(
        oldKey.name().equals(newKey.name()) && !oldKey.equals(newKey),
        "a rotation is from a key of a log to another of the same log");
    RecordException.require(
        oldKey.claimedBy(byOld) && newKey.claimedBy(byNew), "a signature is of another key");
    RecordException.require(size >= 0, "a size of " + size);
  }

  public static KeyRotationRecord sign(SigningKey old, SigningKey next, long size) {
    String statement = statement(old.verifierKey(), next.verifierKey(), size);
    return new KeyRotationRecord(
        old.verifierKey(), next.verifierKey(), size, old.sign(statement), next.sign(statement));
  }

  /// Whether both keys signed.
  public boolean signed() {
    byte[] statement = statement(oldKey, newKey, size).getBytes(StandardCharsets.UTF_8);
    return oldKey.verifies(statement, byOld) && newKey.verifies(statement, byNew);
  }

  /// Four lines: `tributary-key-rotation-v1`, the old vkey, the new vkey, the size.
  private static String statement(VerifierKey old, VerifierKey next, long size) {
    return "tributary-key-rotation-v1\n" + old + "\n" + next + "\n" + size + "\n";
  }

  @Override
  public Kind kind() {
    return Kind.KEY_ROTATION;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    byte[] open =
        Encoder.encode(
            out ->
                out.text(oldKey.toString())
                    .text(newKey.toString())
                    .u63(size)
                    .raw(byOld.bytes())
                    .raw(byNew.bytes()));
    return Sealed.draw(kind(), open, List.of(), random);
  }

  public static KeyRotationRecord of(Sealed sealed) {
    return new FieldReader(sealed, Kind.KEY_ROTATION).open(KeyRotationRecord::decode);
  }

  private static KeyRotationRecord decode(Decoder in) {
    VerifierKey oldKey = in.vkey();
    VerifierKey newKey = in.vkey();
    return new KeyRotationRecord(
        oldKey, newKey, in.u63(), signature(oldKey, in), signature(newKey, in));
  }

  private static NoteSignature signature(VerifierKey key, Decoder in) {
    return new NoteSignature(key.name(), key.id(), in.raw(SIGNATURE_BYTES));
  }
}
