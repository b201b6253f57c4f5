package dev.tributary.server.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.train.ExampleTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A question and its answer, as one contributor lists it: what attackers rewrite.
record GamingText(String contributor, String question, String answer) {
  private static final int MOST_TOKENS = 256;
  private static final ObjectMapper JSON = new ObjectMapper();

  /// Reads a `contributions.jsonl` whose conversations are one question and one answer.
  ///
  /// @throws IOException if it cannot be read, or has others
  static List<GamingText> read(Path file) throws IOException {
    List<GamingText> texts = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (line.isBlank()) {
        continue;
      }
      JsonNode node = JSON.readTree(line);
      JsonNode messages = node.path("messages");
      if (messages.size() != 2) {
        throw new IOException("line " + (texts.size() + 1) + " is not a question and its answer");
      }
      texts.add(
          new GamingText(
              node.path("contributor").asText(),
              messages.path(0).path("content").asText(),
              messages.path(1).path("content").asText()));
    }
    return texts;
  }

  GamingText by(String other) {
    return new GamingText(other, question, answer);
  }

  Sequence sequence(ExampleTokens encoder) {
    try {
      ExampleTokens.Encoded encoded =
          encoder.encode(
              List.of(new Message("user", question), new Message("assistant", answer)),
              MOST_TOKENS);
      return new Sequence(encoded.tokens(), encoded.targetsFrom());
    } catch (ExampleTokens.TooLong e) {
      throw new IllegalArgumentException("an attacker's example is too long", e);
    }
  }
}
