package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/// Turns token ids into text one by one. All it returned, joined, is what transformers'
/// `decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)` gives for all ids.
///
/// A character whose bytes come in several tokens waits until it is complete. With SentencePiece a
/// run of byte tokens waits for its end, since transformers replaces the whole run if any of it is
/// invalid. Not safe for concurrent use.
public final class TextDecoder {
  private static final char REPLACEMENT = '\uFFFD';

  private final Vocabulary vocabulary;
  private byte[] pending = new byte[16];
  private int length;
  private boolean stripSpace;

  TextDecoder(Vocabulary vocabulary, int[] context) {
    this.vocabulary = vocabulary;
    this.stripSpace = vocabulary.stripsFirstSpace();
    for (int id : context) {
      push(id);
    }
  }

  /// The text that is certain now that `id` has followed; often empty. Control tokens and ids
  /// without a token add nothing.
  public String push(int id) {
    if (id < 0 || vocabulary.isControl(id)) {
      return "";
    }
    if (vocabulary.spelling() == Vocabulary.Spelling.BYTE_LEVEL) {
      append(vocabulary.bytes(id));
      return takeComplete(length - incompleteTail());
    }
    if (vocabulary.isByte(id)) {
      append(vocabulary.bytes(id));
      return "";
    }
    return stripped(takeRun() + new String(vocabulary.bytes(id), UTF_8));
  }

  /// What was held back: U+FFFD for characters that never became complete.
  public String finish() {
    return vocabulary.spelling() == Vocabulary.Spelling.BYTE_LEVEL
        ? takeComplete(length)
        : stripped(takeRun());
  }

  private String stripped(String text) {
    if (text.isEmpty() || !stripSpace) {
      return text;
    }
    stripSpace = false;
    return text.charAt(0) == ' ' ? text.substring(1) : text;
  }

  private void append(byte[] bytes) {
    if (length + bytes.length > pending.length) {
      pending = Arrays.copyOf(pending, Math.max(length + bytes.length, 2 * pending.length));
    }
    System.arraycopy(bytes, 0, pending, length, bytes.length);
    length += bytes.length;
  }

  /// A run of byte tokens: its text if it is valid UTF-8, else one U+FFFD for each byte.
  private String takeRun() {
    StringBuilder text = new StringBuilder();
    boolean valid = true;
    for (int at = 0; at < length && valid; ) {
      int sequence = sequence(at, length);
      valid = sequence > 0;
      at += sequence;
    }
    if (valid) {
      text.append(new String(pending, 0, length, UTF_8));
    } else {
      text.repeat(REPLACEMENT, length);
    }
    length = 0;
    return text.toString();
  }

  /// The first `end` pending bytes as text, each longest invalid prefix replaced by one U+FFFD.
  private String takeComplete(int end) {
    StringBuilder text = new StringBuilder(end);
    for (int at = 0; at < end; ) {
      int sequence = sequence(at, end);
      if (sequence > 0) {
        text.append(new String(pending, at, sequence, UTF_8));
        at += sequence;
      } else {
        text.append(REPLACEMENT);
        at -= sequence;
      }
    }
    System.arraycopy(pending, end, pending, 0, length - end);
    length -= end;
    return text.toString();
  }

  /// Length of the well-formed UTF-8 sequence at `at`; if there is none, minus the length of what
  /// stands for one replacement character (Unicode 15, table 3-7 and section 3.9).
  private int sequence(int at, int end) {
    int needed = needed(pending[at]);
    if (needed == 0) {
      return -1;
    }
    for (int i = 1; i < needed; i++) {
      if (at + i >= end || !continues(at, i)) {
        return -i;
      }
    }
    return needed;
  }

  /// How many bytes at the end may still become a character.
  private int incompleteTail() {
    for (int tail = 1; tail <= Math.min(3, length); tail++) {
      int at = length - tail;
      if ((pending[at] & 0xC0) != 0x80) {
        boolean open = needed(pending[at]) > tail && sequence(at, length) == -tail;
        return open ? tail : 0;
      }
    }
    return 0;
  }

  private static int needed(byte lead) {
    int b = lead & 0xFF;
    if (b < 0x80) {
      return 1;
    }
    return b < 0xC2 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 0;
  }

  private boolean continues(int at, int index) {
    int b = pending[at + index] & 0xFF;
    if (index > 1) {
      return b >= 0x80 && b <= 0xBF;
    }
    return switch (pending[at] & 0xFF) {
      case 0xE0 -> b >= 0xA0 && b <= 0xBF;
      case 0xED -> b >= 0x80 && b <= 0x9F;
      case 0xF0 -> b >= 0x90 && b <= 0xBF;
      case 0xF4 -> b >= 0x80 && b <= 0x8F;
      default -> b >= 0x80 && b <= 0xBF;
    };
  }
}
