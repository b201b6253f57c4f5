package dev.tributary.tlog;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// What a witness's signature line holds (C2SP tlog-cosignature, Ed25519): u64 time || signature.
/// It says that at that time, this was the largest tree of the log that the witness had seen, and
/// that all it had seen before is a part of it.
public final class Cosignature {
  private static final String HEADER = "cosignature/v1\ntime ";

  private final long time;
  private final byte[] bytes;

  private Cosignature(long time, byte[] bytes) {
    this.time = time;
    this.bytes = bytes;
  }

  /// Empty unless the line has the length of one and a time below 2^63. Whose it is, and whether it
  /// is true, only [VerifierKey#verifies] tells.
  public static Optional<Cosignature> of(NoteSignature signature) {
    ByteBuffer all = ByteBuffer.wrap(signature.bytes());
    if (all.remaining() != Long.BYTES + Ed25519.SIGNATURE_BYTES) {
      return Optional.empty();
    }
    long time = all.getLong();
    byte[] bytes = new byte[Ed25519.SIGNATURE_BYTES];
    all.get(bytes);
    return time < 0 ? Optional.empty() : Optional.of(new Cosignature(time, bytes));
  }

  /// Seconds since 1970.
  public long time() {
    return time;
  }

  /// The Ed25519 signature over [#message].
  byte[] bytes() {
    return bytes;
  }

  /// What is signed.
  static byte[] message(long time, byte[] text) {
    byte[] head = (HEADER + time + "\n").getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(head.length + text.length).put(head).put(text).array();
  }
}
