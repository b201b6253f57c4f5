package dev.tributary.identity;

import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;

/// A running SHA-256 with the encodings that digests are made of.
final class Sha256 {
  /// Some 40 µs of work: who reads for us may want to rest between two reads.
  private static final int CHUNK_BYTES = 1 << 16;

  private final MessageDigest digest = Hash.digest();
  private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
  private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  Sha256 bytes(byte[] bytes) {
    digest.update(bytes);
    return this;
  }

  /// Eight bytes, least significant first.
  Sha256 u64(long value) {
    digest.update(number.putLong(0, value).array());
    return this;
  }

  /// The length as [#u64], then the bytes.
  Sha256 prefixed(byte[] bytes) {
    return u64(bytes.length).bytes(bytes);
  }

  /// The bytes from `begin` up to `end`, without their length.
  Sha256 range(ReadableBytes source, long begin, long end) throws IOException {
    for (long at = begin; at < end; at += chunk.limit()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), end - at));
      source.read(at, chunk);
      digest.update(chunk.flip());
    }
    return this;
  }

  /// Lower-case hexadecimal; ends the use of this object.
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /// `sha256:` and [#hex].
  String text() {
    return "sha256:" + hex();
  }
}
