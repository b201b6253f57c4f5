package dev.tributary.server.adapter;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Reads `probe.jsonl`: one `{"messages": [{"role", "content"}, ...]}` a line, whose last message
/// is the assistant's. Other keys of a line, such as `contributor`, say nothing about the adapter.
final class ProbeFile {
  /// The file's name beside an adapter's.
  static final String NAME = "probe.jsonl";

  /// Most bytes, and most examples; each example is one prompt to run at load.
  private static final int MAX_BYTES = 1 << 18;

  private static final int MAX_EXAMPLES = 64;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private ProbeFile() {}

  /// The examples, or none if there is no such file.
  ///
  /// @throws AdapterException naming the line that is malformed
  static List<ProbeExample> read(Path file) {
    if (!Files.exists(file)) {
      return List.of();
    }
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw new AdapterException(new AdapterRefusal.Unreadable(NAME, e.toString()), e);
    }
    if (bytes.length > MAX_BYTES) {
      throw malformed("has more than " + MAX_BYTES + " bytes");
    }
    List<String> lines = text(bytes).lines().filter(line -> !line.isBlank()).toList();
    if (lines.isEmpty() || lines.size() > MAX_EXAMPLES) {
      throw malformed("has %d examples, not 1 to %d".formatted(lines.size(), MAX_EXAMPLES));
    }
    List<ProbeExample> examples = new ArrayList<>();
    for (String line : lines) {
      examples.add(example(line, examples.size() + 1));
    }
    return examples;
  }

  private static String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new AdapterException(new AdapterRefusal.Malformed(NAME, "is not UTF-8"), e);
    }
  }

  private static ProbeExample example(String line, int number) {
    JsonNode messages;
    try {
      messages = JSON.readTree(line).path("messages");
    } catch (JacksonException e) {
      throw new AdapterException(
          new AdapterRefusal.Malformed(
              NAME, "example " + number + " is not strict JSON: " + e.getOriginalMessage()),
          e);
    }
    List<ProbeExample.Message> turns = new ArrayList<>();
    for (JsonNode message : messages) {
      JsonNode role = message.path("role");
      JsonNode content = message.path("content");
      if (!role.isTextual() || !content.isTextual()) {
        throw malformed("example " + number + " has a message without role and content");
      }
      turns.add(new ProbeExample.Message(role.textValue(), content.textValue()));
    }
    if (turns.size() < 2
        || !turns.getLast().role().equals("assistant")
        || turns.getLast().content().isEmpty()) {
      throw malformed("example " + number + " does not end in an answer of the assistant");
    }
    return new ProbeExample(turns.subList(0, turns.size() - 1), turns.getLast().content());
  }

  private static AdapterException malformed(String reason) {
    return new AdapterException(new AdapterRefusal.Malformed(NAME, reason));
  }
}
