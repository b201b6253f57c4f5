package dev.tributary.server.engine;

import dev.tributary.server.tokenize.Tokenizer;
import java.util.Set;

/// What the engine needs of a tokenizer: an interface, since tests write texts that no real
/// vocabulary would.
public interface TokenText {
  /// A model's own.
  static TokenText of(Tokenizer tokenizer) {
    return new TokenizerText(tokenizer);
  }

  /// A decoder for what follows `context`, which decides how the first token is spelled; none for
  /// the start of a text.
  Decoder decoder(int... context);

  /// Tokens that end an answer: end of sequence, of turn, of message.
  Set<Integer> stopIds();

  /// Turns one sequence's tokens into text, step by step.
  interface Decoder {
    /// Text that `id` completes; well-formed, empty for control tokens and for split characters.
    String push(int id);

    /// What is left at the end, a split character as U+FFFD.
    String finish();
  }
}
