package dev.tributary.tlog;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/// The pieces that the formats share, each in the one form that may be written.
final class Canonical {
  /// Digits of the largest long.
  private static final int MAX_DIGITS = 19;

  /// Most characters of a piece that a message repeats.
  private static final int QUOTED = 80;

  private Canonical() {}

  /// Standard base64 (RFC 4648, section 4), padded, spare bits zero.
  static byte[] base64(String what, String text) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new TlogException(what + ": " + quoted(text) + " is not base64", e);
    }
    if (!base64(bytes).equals(text)) {
      throw new TlogException(what + ": " + quoted(text) + " is not canonical base64");
    }
    return bytes;
  }

  static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  static Hash hash(String what, String text) {
    byte[] bytes = base64(what, text);
    if (bytes.length != Hash.BYTES) {
      throw new TlogException(what + ": a hash has 32 bytes, not " + bytes.length);
    }
    return Hash.of(bytes);
  }

  /// ASCII decimal from 0 to 2^63 - 1 without leading zeros.
  static long decimal(String what, String text) {
    boolean digits =
        !text.isEmpty()
            && text.length() <= MAX_DIGITS
            && text.chars().allMatch(c -> c >= '0' && c <= '9')
            && (text.equals("0") || text.charAt(0) != '0');
    if (!digits) {
      throw new TlogException(what + ": " + quoted(text) + " is not a decimal number");
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new TlogException(what + ": " + text + " is above 2^63 - 1", e);
    }
  }

  static String utf8(String what, byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new TlogException(what + " is not UTF-8", e);
    }
  }

  /// The bytes of a text, which may not hold half a surrogate pair.
  static byte[] utf8(String what, String text) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      return copy;
    } catch (CharacterCodingException e) {
      throw new TlogException(what + " is not Unicode text", e);
    }
  }

  /// The name of a key: not empty, no space of any script, no plus sign.
  static String keyName(String name) {
    if (name.isEmpty()) {
      throw new TlogException("a key's name is empty");
    }
    utf8("a key's name", name);
    if (name.codePoints().anyMatch(c -> c == '+' || c < ' ' || isSpace(c))) {
      throw new TlogException("key name " + quoted(name) + " has a space, a plus or a control");
    }
    return name;
  }

  /// What Unicode calls White_Space.
  private static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /// For a message: in quotes, not too long, in printable ASCII.
  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.substring(0, Math.min(text.length(), QUOTED)).toCharArray()) {
      if (c >= ' ' && c < 0x7f) {
        out.append(c);
      } else {
        out.append(String.format("\\u%04x", (int) c));
      }
    }
    return out.append(text.length() > QUOTED ? "...\"" : "\"").toString();
  }
}
