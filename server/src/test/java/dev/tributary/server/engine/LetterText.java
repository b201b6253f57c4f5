package dev.tributary.server.engine;

import java.util.Set;

/// Text of [HashModel]'s tokens: letters, one token of two, halves of an emoji, a control token
/// that ends answers.
final class LetterText implements TokenText {
  static final int END = 0;
  static final int CONTROL = 1;
  static final int EMOJI_FIRST_HALF = 2;
  static final int EMOJI_SECOND_HALF = 3;
  private static final int LETTERS = 4;

  /// The token of a letter.
  static int id(char letter) {
    return LETTERS + letter - 'a';
  }

  @Override
  public Set<Integer> stopIds() {
    return Set.of(END);
  }

  @Override
  public Decoder decoder(int... context) {
    return new Decoder() {
      private boolean half;

      @Override
      public String push(int id) {
        String before = half && id != EMOJI_SECOND_HALF ? "\ufffd" : "";
        boolean whole = half && id == EMOJI_SECOND_HALF;
        half = id == EMOJI_FIRST_HALF;
        return before
            + switch (id) {
              case END, CONTROL, EMOJI_FIRST_HALF -> "";
              case EMOJI_SECOND_HALF -> whole ? "😀" : "\ufffd";
              default -> String.valueOf((char) ('a' + (id - LETTERS) % 26));
            };
      }

      @Override
      public String finish() {
        return half ? "\ufffd" : "";
      }
    };
  }
}
