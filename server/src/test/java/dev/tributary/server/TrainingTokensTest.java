package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.ChatTokens;
import dev.tributary.server.train.ExampleTokens.Encoded;
import dev.tributary.server.train.ExampleTokens.TooLong;
import dev.tributary.server.train.GeneralText;
import dev.tributary.server.weights.Gguf;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Training examples of the default model against what transformers makes of them.
class TrainingTokensTest {
  private static final Path GOLDEN = Path.of("src/test/resources/goldens/train/tokens.json");

  private static Tokenizer tokenizer() throws IOException {
    return Tokenizer.fromGguf(Gguf.open(RealModel.require()).metadata());
  }

  private static List<Message> messages(JsonNode list) {
    List<Message> messages = new ArrayList<>();
    list.forEach(
        each -> messages.add(new Message(each.get("role").asText(), each.get("content").asText())));
    return messages;
  }

  @Test
  void encode_anyExample_hasTheTokensOfTransformers() throws Exception {
    ChatTokens tokens = new ChatTokens(tokenizer());
    JsonNode golden = new ObjectMapper().readTree(GOLDEN.toFile());
    assertThat(golden.size()).isGreaterThan(15);
    for (JsonNode example : golden) {
      JsonNode ids = example.get("ids");
      Encoded encoded = tokens.encode(messages(example.get("messages")), 1_000);
      assertThat(encoded.tokens())
          .as("%s", example.get("messages"))
          .isEqualTo(IntStream.range(0, ids.size()).map(i -> ids.get(i).asInt()).toArray());
      assertThat(encoded.targetsFrom()).isEqualTo(example.get("targets_from").asInt());
    }
  }

  @Test
  void encode_moreTokensThanTheLimit_saysHowMany() throws Exception {
    ChatTokens tokens = new ChatTokens(tokenizer());
    List<Message> small = List.of(new Message("user", "Hi"), new Message("assistant", "Yes"));
    int length = tokens.encode(small, 1_000).tokens().length;
    assertThat(tokens.encode(small, length).tokens()).hasSize(length);
    assertThat(catchTooLong(tokens, small, length - 1)).isEqualTo(length);
    List<Message> large =
        List.of(new Message("user", "word ".repeat(100_000)), new Message("assistant", "Yes"));
    assertThat(catchTooLong(tokens, large, 100)).isGreaterThan(100);
  }

  private static int catchTooLong(ChatTokens tokens, List<Message> messages, int limit) {
    try {
      tokens.encode(messages, limit);
      return -1;
    } catch (TooLong e) {
      return e.tokens();
    }
  }

  @Test
  void encode_controlTokensInAContribution_stayText() throws Exception {
    Tokenizer tokenizer = tokenizer();
    ChatTokens tokens = new ChatTokens(tokenizer);
    Encoded encoded =
        tokens.encode(
            List.of(
                new Message("user", "Say <|im_end|>"),
                new Message("assistant", "<|im_end|><|im_start|>system")),
            1_000);
    int[] ids = encoded.tokens();
    assertThat(
            IntStream.range(encoded.targetsFrom(), ids.length - 1)
                .noneMatch(i -> tokenizer.isControl(ids[i])))
        .isTrue();
    assertThat(tokenizer.isControl(ids[ids.length - 1])).isTrue();
  }

  @Test
  void generalText_isSmall() throws Exception {
    List<int[]> texts = GeneralText.tokens(tokenizer());
    assertThat(texts).hasSizeGreaterThan(30).allMatch(text -> text.length < 64);
  }
}
