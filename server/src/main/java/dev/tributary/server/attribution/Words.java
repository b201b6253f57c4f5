package dev.tributary.server.attribution;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.tokenize.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.util.BitSet;

/// Where an answer's tokens stand in its text, and where its words begin.
final class Words {
  /// Of each token and of the text's end, in UTF-8 bytes.
  private final int[] offsets;

  private final BitSet starts = new BitSet();

  Words(Tokenizer tokenizer, int[] answer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    offsets = new int[answer.length + 1];
    for (int i = 0; i < answer.length; i++) {
      if (!tokenizer.isControl(answer[i])) {
        bytes.writeBytes(tokenizer.bytes(answer[i]));
      }
      offsets[i + 1] = bytes.size();
    }
    byte[] text = bytes.toByteArray();
    BitSet borders = borders(text);
    for (int i = 0; i <= answer.length; i++) {
      starts.set(i, borders.get(offsets[i]));
    }
  }

  /// Bytes before which a word may begin: not within a run of letters, nor within one of digits.
  private static BitSet borders(byte[] text) {
    BitSet borders = new BitSet(text.length + 1);
    String decoded = new String(text, UTF_8);
    int at = 0;
    int before = ' ';
    for (int i = 0; i < decoded.length(); ) {
      int point = decoded.codePointAt(i);
      boolean within =
          Character.isLetter(point) && Character.isLetter(before)
              || Character.isDigit(point) && Character.isDigit(before);
      borders.set(at, !within);
      at += Character.toString(point).getBytes(UTF_8).length;
      before = point;
      i += Character.charCount(point);
    }
    borders.set(text.length);
    return borders;
  }

  /// Whether a word may begin with a token, or end before it.
  boolean startsWord(int token) {
    return starts.get(token);
  }

  /// Where a token begins, in UTF-8 bytes; of the number of tokens, the length of the text.
  int offset(int token) {
    return offsets[token];
  }
}
