package dev.tributary.server.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.SortedMap;

/// Lists and maps in one column, as JSON, which SQLite's own tools can read.
final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("strings can always be written", e);
    }
  }

  static SortedMap<String, String> map(String json) {
    return read(json, new TypeReference<>() {});
  }

  static List<String> list(String json) {
    return read(json, new TypeReference<>() {});
  }

  private static <T> T read(String json, TypeReference<T> type) {
    try {
      return MAPPER.readValue(json, type);
    } catch (JsonProcessingException e) {
      throw new StateException(new StateException.Corrupt("not JSON in a column: " + json), e);
    }
  }
}
