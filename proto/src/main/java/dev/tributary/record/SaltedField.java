package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;

/// A private value with what hides it.
///
/// @param tag which field it is, 1 to 255 characters of printable ASCII without space
/// @param salt 32 random bytes, drawn for this field of this leaf alone
/// @param data the value as its kind encodes it; empty for none
public record SaltedField(String tag, byte[] salt, byte[] data) implements Field {
  public static final int SALT_BYTES = 32;

  public SaltedField {
    RecordException.require(
        !tag.isEmpty() && tag.length() <= 255 && tag.chars().allMatch(c -> c > ' ' && c < 127),
        "\"" + tag + "\" is no tag of a field");
    RecordException.require(
        salt.length == SALT_BYTES, tag + ": a salt has 32 bytes, not " + salt.length);
    salt = salt.clone();
    data = data.clone();
  }

  public static SaltedField draw(String tag, byte[] data, SecureRandom random) {
    byte[] salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    return new SaltedField(tag, salt, data);
  }

  @Override
  public byte[] salt() {
    return salt.clone();
  }

  @Override
  public byte[] data() {
    return data.clone();
  }

  /// SHA-256(u8 length of tag || tag || salt || u64 length of data || data). It tells nothing about
  /// the data to those without the salt.
  @Override
  public Hash commitment() {
    byte[] name = tag.getBytes(StandardCharsets.US_ASCII);
    return Hash.sha256(
        Encoder.encode(out -> out.u8(name.length).raw(name).raw(salt).u63(data.length)), data);
  }

  /// The root over commitments in their order, each a leaf of an RFC 6962 tree.
  public static Hash root(List<Hash> commitments) {
    return Merkle.root(commitments.stream().map(c -> Merkle.leaf(c.bytes())).toList());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SaltedField field
        && tag.equals(field.tag)
        && Arrays.equals(salt, field.salt)
        && Arrays.equals(data, field.data);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(salt);
  }

  /// Without the data, which is private.
  @Override
  public String toString() {
    return "SaltedField[" + tag + ", " + data.length + " bytes]";
  }
}
