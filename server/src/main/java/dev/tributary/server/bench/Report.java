package dev.tributary.server.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/// What one command measured, as JSON: `command`, `time`, then what is put, in that order. Records
/// become objects, their names in snake case.
final class Report {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private final ObjectNode root = JSON.createObjectNode();

  Report(String command, Instant time) {
    root.put("command", command);
    root.put("time", time.truncatedTo(ChronoUnit.SECONDS).toString());
  }

  /// A record, list, map, number or string.
  Report put(String key, @Nullable Object value) {
    root.set(key, JSON.valueToTree(value));
    return this;
  }

  String text() throws IOException {
    return JSON.writeValueAsString(root) + "\n";
  }

  /// Does nothing where no file was asked for.
  void write(@Nullable Path file) throws IOException {
    if (file != null) {
      Files.writeString(file, text());
    }
  }
}
