package dev.tributary.server.train;

import dev.tributary.server.tokenize.Message;
import java.util.List;

/// Turns a conversation into tokens. An interface because tests of reading need no tokenizer.
public interface ExampleTokens {
  /// @param targetsFrom index of the answer's first token
  record Encoded(int[] tokens, int targetsFrom) {}

  /// @param messages that end in an answer of the assistant
  /// @param limit most tokens; a text that has more need not be encoded
  /// @throws dev.tributary.server.tokenize.TemplateException if they cannot be rendered
  /// @throws TooLong if there are more tokens than `limit`
  Encoded encode(List<Message> messages, int limit) throws TooLong;

  /// An example is longer than asked for.
  final class TooLong extends Exception {
    private static final long serialVersionUID = 1L;

    private final int tokens;

    /// @param tokens that it has at least
    public TooLong(int tokens) {
      super(tokens + " tokens", null, false, false);
      this.tokens = tokens;
    }

    public int tokens() {
      return tokens;
    }
  }
}
