package dev.tributary.server.train;

import dev.tributary.server.tokenize.ChatOptions;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Tokens as serving has them: the prompt is what a chat request with the same messages is rendered
/// to, the targets are what the model should generate after it, with the token that ends its turn.
///
/// The answer is encoded by itself, as it would be generated: not together with the prompt's end,
/// with which its first characters might merge. Nothing in a contribution becomes a control token.
public final class ChatTokens implements ExampleTokens {
  private static final ChatOptions WHOLE = new ChatOptions(false, Map.of(), List.of(), false);

  private final Tokenizer tokenizer;
  private final int endOfTurn;

  /// @throws TemplateException if the model has no chat template
  /// @throws IllegalArgumentException if the template ends answers by no token that ends a
  ///   generation
  public ChatTokens(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.endOfTurn = endOfTurn(tokenizer);
  }

  /// What the template writes after an answer: the last of the conversation's ids that ends a
  /// generation.
  private static int endOfTurn(Tokenizer tokenizer) {
    List<Message> probe = List.of(new Message("user", "Hello"), new Message("assistant", "Hi."));
    int prompt = tokenizer.encodeChat(probe.subList(0, 1), WHOLE).length;
    int[] ids = tokenizer.encodeChat(probe, WHOLE);
    BitSet stops = tokenizer.stopIds();
    for (int i = ids.length - 1; i >= prompt; i--) {
      if (stops.get(ids[i])) {
        return ids[i];
      }
    }
    throw new IllegalArgumentException(
        "the chat template ends an answer by no token that ends a generation");
  }

  @Override
  public Encoded encode(List<Message> messages, int limit) throws TooLong {
    int least = 0;
    for (Message message : messages) {
      least = Math.addExact(least, tokenizer.leastTokens(message.content()));
    }
    if (least > limit) {
      throw new TooLong(least);
    }
    int[] prompt =
        tokenizer.encodeChat(messages.subList(0, messages.size() - 1), ChatOptions.DEFAULT);
    int[] answer = tokenizer.encode(messages.getLast().content(), false);
    int tokens = prompt.length + answer.length + 1;
    if (tokens > limit) {
      throw new TooLong(tokens);
    }
    IntStream end = IntStream.of(endOfTurn);
    return new Encoded(
        IntStream.concat(IntStream.concat(IntStream.of(prompt), IntStream.of(answer)), end)
            .toArray(),
        prompt.length);
  }
}
