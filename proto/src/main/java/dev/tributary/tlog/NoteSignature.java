package dev.tributary.tlog;

import java.nio.ByteBuffer;
import java.util.Arrays;

/// A signature line of a note: `— NAME BASE64(u32 key id || signature)`. It says who claims to have
/// signed, and nothing more before a [VerifierKey] has looked at it.
public final class NoteSignature {
  /// Most bytes of a signature, without the id; a post-quantum one has nearly 5,000.
  public static final int MAX_BYTES = 16_384;

  private static final String DASH = "\u2014 ";

  private final String name;
  private final int id;
  private final byte[] bytes;

  /// @throws TlogException for a name that no key can have, and for too few or too many bytes
  public NoteSignature(String name, int id, byte[] bytes) {
    this.name = Canonical.keyName(name);
    this.id = id;
    if (bytes.length == 0 || bytes.length > MAX_BYTES) {
      throw new TlogException("a signature has 1 to " + MAX_BYTES + " bytes, not " + bytes.length);
    }
    this.bytes = bytes.clone();
  }

  /// Of a line without its newline.
  ///
  /// @throws TlogException if it is anything but a signature line in canonical form
  public static NoteSignature parse(String line) {
    int space = line.indexOf(' ', DASH.length());
    if (!line.startsWith(DASH) || space < 0) {
      throw new TlogException(
          Canonical.quoted(line) + " is not an em dash, a name and a signature");
    }
    byte[] bytes = Canonical.base64("a signature", line.substring(space + 1));
    if (bytes.length <= Integer.BYTES) {
      throw new TlogException("a signature line has an id and at least one byte more");
    }
    return new NoteSignature(
        line.substring(DASH.length(), space),
        ByteBuffer.wrap(bytes).getInt(),
        Arrays.copyOfRange(bytes, Integer.BYTES, bytes.length));
  }

  /// Of the key.
  public String name() {
    return name;
  }

  /// Of the key; see [VerifierKey#id].
  public int id() {
    return id;
  }

  /// Without the id.
  public byte[] bytes() {
    return bytes.clone();
  }

  /// The line, without its newline.
  @Override
  public String toString() {
    byte[] all = ByteBuffer.allocate(Integer.BYTES + bytes.length).putInt(id).put(bytes).array();
    return DASH + name + " " + Canonical.base64(all);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NoteSignature signature
        && name.equals(signature.name)
        && id == signature.id
        && Arrays.equals(bytes, signature.bytes);
  }

  @Override
  public int hashCode() {
    return name.hashCode() ^ Arrays.hashCode(bytes);
  }
}
