package dev.tributary.tlog;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.HexFormat;

/// A public key with its name, as C2SP's signed-note writes it: `NAME+HEX ID+BASE64(type || key)`.
///
/// A note's key signs the note's text. A witness's key signs the text with a time before it
/// ([Cosignature]); the same 32 bytes have another id there, so that the one never counts as the
/// other.
public final class VerifierKey {
  /// What is signed.
  public enum Type {
    /// The text of a note.
    NOTE(0x01),
    /// A checkpoint with the time at which a witness saw it (cosignature/v1).
    COSIGNATURE(0x04);

    private final int code;

    Type(int code) {
      this.code = code;
    }

    static Type of(int code) {
      for (Type type : values()) {
        if (type.code == code) {
          return type;
        }
      }
      throw new TlogException("signatures of type " + code + " are not supported, only 1 and 4");
    }
  }

  private static final int ID_DIGITS = 8;

  private final String name;
  private final Type type;
  private final byte[] key;
  private final int id;
  private final PublicKey point;

  /// @param key an Ed25519 public key, 32 bytes
  /// @throws TlogException for a name that no key can have, or bytes that are no public key
  public VerifierKey(String name, Type type, byte[] key) {
    this.name = Canonical.keyName(name);
    this.type = type;
    if (key.length != Ed25519.KEY_BYTES) {
      throw new TlogException("an Ed25519 public key has 32 bytes, not " + key.length);
    }
    this.key = key.clone();
    this.point = Ed25519.publicKey(key);
    byte[] head = (name + "\n").getBytes(StandardCharsets.UTF_8);
    this.id = ByteBuffer.wrap(Hash.sha256(head, typed(type, key)).bytes()).getInt();
  }

  /// @throws TlogException if it is anything but a vkey in canonical form, of one of the two types,
  ///   with the id that its name and key give
  public static VerifierKey parse(String vkey) {
    int first = vkey.indexOf('+');
    int second = vkey.indexOf('+', first + 1);
    if (first < 0 || second < 0) {
      throw new TlogException(Canonical.quoted(vkey) + " is not name+id+key");
    }
    byte[] typed = Canonical.base64("the key of a vkey", vkey.substring(second + 1));
    if (typed.length == 0) {
      throw new TlogException("the key of " + Canonical.quoted(vkey) + " is empty");
    }
    VerifierKey key =
        new VerifierKey(
            vkey.substring(0, first),
            Type.of(typed[0] & 0xff),
            Arrays.copyOfRange(typed, 1, typed.length));
    if (!vkey.substring(first + 1, second).equals(hex(key.id))) {
      throw new TlogException(
          Canonical.quoted(vkey) + ": the id must be " + hex(key.id) + " for this name and key");
    }
    return key;
  }

  public String name() {
    return name;
  }

  /// The first four bytes of SHA-256(name || newline || type || key), big-endian. It tells the keys
  /// of a name apart and is no secure digest.
  public int id() {
    return id;
  }

  public Type type() {
    return type;
  }

  /// 32 bytes.
  public byte[] key() {
    return key.clone();
  }

  /// The same key for cosignatures of the same name.
  public VerifierKey cosigner() {
    return new VerifierKey(name, Type.COSIGNATURE, key);
  }

  /// Whether the line names this key. It can still be a forgery.
  public boolean claimedBy(NoteSignature signature) {
    return signature.id() == id && signature.name().equals(name);
  }

  /// Whether this key made the signature.
  ///
  /// @param text the text of a note in UTF-8; for a cosignature without the lines that stand before
  ///   it, whose time is taken from the signature
  public boolean verifies(byte[] text, NoteSignature signature) {
    if (!claimedBy(signature)) {
      return false;
    }
    return switch (type) {
      case NOTE -> Ed25519.verifies(point, text, signature.bytes());
      case COSIGNATURE ->
          Cosignature.of(signature)
              .map(c -> Ed25519.verifies(point, Cosignature.message(c.time(), text), c.bytes()))
              .orElse(false);
    };
  }

  /// The vkey.
  @Override
  public String toString() {
    return name + "+" + hex(id) + "+" + Canonical.base64(typed(type, key));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VerifierKey verifier
        && name.equals(verifier.name)
        && type == verifier.type
        && Arrays.equals(key, verifier.key);
  }

  @Override
  public int hashCode() {
    return id;
  }

  static byte[] typed(Type type, byte[] key) {
    return ByteBuffer.allocate(1 + key.length).put((byte) type.code).put(key).array();
  }

  static String hex(int id) {
    return HexFormat.of().toHexDigits(id, ID_DIGITS);
  }
}
