package dev.tributary.record;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// What a contributor is called in the open fields of one adapter version's answers: without that
/// version's key nobody can tell who it is, nor that it is the same one elsewhere.
public record Pseudonym(long high, long low) {
  public static final int BYTES = 16;

  /// The first 16 bytes of HMAC-SHA-256 over the contributor's name.
  ///
  /// @param key of the adapter version, 32 bytes
  public static Pseudonym of(byte[] key, String contributor) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      ByteBuffer first = ByteBuffer.wrap(mac.doFinal(Encoder.utf8(contributor)));
      return new Pseudonym(first.getLong(), first.getLong());
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has HmacSHA256", e);
    }
  }

  void encode(Encoder out) {
    out.u64(high).u64(low);
  }

  static Pseudonym decode(Decoder in) {
    return new Pseudonym(in.u64(), in.u64());
  }

  /// 32 lower-case hexadecimal digits.
  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }
}
