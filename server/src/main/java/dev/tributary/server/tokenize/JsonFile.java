package dev.tributary.server.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Strict access to one JSON file; faults name the file and key.
record JsonFile(String name, JsonNode root) {
  private static final long MAX_BYTES = 256L << 20;

  /// An absent file reads as an empty object.
  static JsonFile readIfPresent(Path directory, String name) {
    Path file = directory.resolve(name);
    return Files.exists(file)
        ? read(directory, name)
        : new JsonFile(name, JsonNodeFactory.instance.objectNode());
  }

  static JsonFile read(Path directory, String name) {
    try {
      Path file = directory.resolve(name);
      if (Files.size(file) > MAX_BYTES) {
        throw new TokenizerException(name + " is larger than " + MAX_BYTES + " bytes");
      }
      JsonNode root = TokenizerJson.MAPPER.readTree(file.toFile());
      if (root == null || !root.isObject()) {
        throw new TokenizerException(name + " is not a JSON object");
      }
      return new JsonFile(name, root);
    } catch (IOException e) {
      throw new TokenizerException(name + " can't be read: " + e.getMessage(), e);
    }
  }

  int id(JsonNode node, String key, int limit) {
    if (!node.isIntegralNumber() || node.longValue() < 0 || node.longValue() >= limit) {
      throw wrong(key, "a token id below " + limit);
    }
    return node.intValue();
  }

  String text(JsonNode node, String key) {
    if (!node.isTextual()) {
      throw wrong(key, "a string");
    }
    return node.textValue();
  }

  boolean flag(JsonNode parent, String key) {
    JsonNode node = parent.path(key);
    if (!node.isMissingNode() && !node.isNull() && !node.isBoolean()) {
      throw wrong(key, "a boolean");
    }
    return node.asBoolean(false);
  }

  /// A flag that may be left open.
  @Nullable Boolean optionalFlag(JsonNode parent, String key) {
    boolean value = flag(parent, key);
    return parent.path(key).isBoolean() ? value : null;
  }

  TokenizerException wrong(String key, String expected) {
    return new TokenizerException(name + ": " + key + " is not " + expected);
  }

  TokenizerException unsupported(String key, JsonNode value) {
    return new TokenizerException(name + ": " + key + " " + value + " is not supported");
  }
}
