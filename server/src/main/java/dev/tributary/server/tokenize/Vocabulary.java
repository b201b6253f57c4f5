package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// What every token id stands for.
final class Vocabulary {
  /// How token strings spell bytes.
  enum Spelling {
    /// Each character is one byte, in GPT-2's alphabet of printable characters.
    BYTE_LEVEL,
    /// `▁` is a space and `<0xNN>` one byte.
    SENTENCE_PIECE
  }

  private static final byte[] NOTHING = {};
  private static final byte[] BYTE_OF_CHARACTER = byteOfCharacter();

  private final Spelling spelling;
  private final boolean stripsFirstSpace;
  private final @Nullable String[] tokens;
  private final BitSet control;

  /// @param tokens token strings by id; null where an id has none
  /// @param stripsFirstSpace whether decoded text loses one space at its start
  Vocabulary(
      Spelling spelling, boolean stripsFirstSpace, @Nullable String[] tokens, BitSet control) {
    this.spelling = spelling;
    this.stripsFirstSpace = stripsFirstSpace;
    this.tokens = tokens;
    this.control = control;
  }

  int size() {
    return tokens.length;
  }

  Spelling spelling() {
    return spelling;
  }

  boolean stripsFirstSpace() {
    return stripsFirstSpace;
  }

  boolean isControl(int id) {
    return control.get(id);
  }

  @Nullable String token(int id) {
    return id >= 0 && id < tokens.length ? tokens[id] : null;
  }

  /// Whether the token is one byte of a character, by SentencePiece's byte fallback.
  boolean isByte(int id) {
    String token = token(id);
    return spelling == Spelling.SENTENCE_PIECE && token != null && isByte(token);
  }

  private static boolean isByte(String token) {
    return token.length() == 6
        && token.startsWith("<0x")
        && token.endsWith(">")
        && Character.digit(token.charAt(3), 16) >= 0
        && Character.digit(token.charAt(4), 16) >= 0;
  }

  /// The bytes a token adds to a text; none for an id without a token.
  byte[] bytes(int id) {
    String token = token(id);
    if (token == null) {
      return NOTHING;
    }
    if (spelling == Spelling.SENTENCE_PIECE) {
      return isByte(token)
          ? new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)}
          : token.replace('\u2581', ' ').getBytes(UTF_8);
    }
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (!isByteCharacter(c)) {
        return token.getBytes(UTF_8);
      }
      bytes[i] = BYTE_OF_CHARACTER[c];
    }
    return bytes;
  }

  /// Bytes of the longest token, or 0 if a token may stand for any number of bytes: where not every
  /// byte has its own token, a run of unknown characters becomes one.
  int longestToken() {
    int longest = 0;
    int single = 0;
    for (int id = 0; id < tokens.length; id++) {
      longest = Math.max(longest, bytes(id).length);
      single += isByte(id) ? 1 : 0;
    }
    return spelling == Spelling.BYTE_LEVEL || single >= 256 ? longest : 0;
  }

  /// Whether a character belongs to GPT-2's alphabet of bytes.
  static boolean isByteCharacter(char c) {
    return c < BYTE_OF_CHARACTER.length && (BYTE_OF_CHARACTER[c] != 0 || c == 0x100);
  }

  /// GPT-2's alphabet: printable Latin-1 characters are themselves, the other 68 bytes follow from
  /// U+0100 on in their order.
  private static byte[] byteOfCharacter() {
    byte[] bytes = new byte[0x100 + 68];
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae && b <= 0xff;
      bytes[printable ? b : next++] = (byte) b;
    }
    return bytes;
  }
}
