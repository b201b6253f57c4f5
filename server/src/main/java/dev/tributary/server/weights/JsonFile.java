package dev.tributary.server.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A JSON file read strictly: one object in UTF-8, no key twice, bounded in size and depth.
final class JsonFile {
  private static final int MAX_DEPTH = 16;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          // It is UTF-8, checked before; guessing UTF-16 would read another text.
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(40)
                  .build())
          .build();

  private final Path file;

  private JsonFile(Path file) {
    this.file = file;
  }

  /// The members of the file's object. Whole numbers are [Long], others [Double]; members that are
  /// null are left out, as if absent.
  ///
  /// @param mostBytes longest file
  static Map<String, Object> read(Path file, int mostBytes) throws IOException {
    byte[] text;
    try (InputStream in = Files.newInputStream(file)) {
      text = in.readNBytes(mostBytes + 1);
    }
    if (text.length > mostBytes) {
      throw new FormatException(
          file, mostBytes, "expected a file of at most " + mostBytes + " bytes");
    }
    return parse(file, text);
  }

  static Map<String, Object> parse(Path file, byte[] text) {
    return new JsonFile(file).parse(text);
  }

  private Map<String, Object> parse(byte[] text) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new FormatException(file, 0, "expected UTF-8", e);
    }
    try (JsonParser in = JSON.createParser(text)) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw error(in, "expected an object");
      }
      Map<String, Object> members = object(in);
      if (in.nextToken() != null) {
        throw error(in, "expected nothing after the object");
      }
      return members;
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
      throw new FormatException(file, at, "expected JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new AssertionError("the text is in memory", e);
    }
  }

  private Map<String, Object> object(JsonParser in) throws IOException {
    Map<String, Object> members = new LinkedHashMap<>();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String key = in.currentName();
      if (in.nextToken() == JsonToken.VALUE_NULL) {
        continue;
      }
      if (members.put(key, value(in)) != null) {
        throw error(in, "expected a new key, found \"" + key + "\" again");
      }
    }
    return Collections.unmodifiableMap(members);
  }

  private List<Object> array(JsonParser in) throws IOException {
    List<Object> elements = new ArrayList<>();
    while (in.nextToken() != JsonToken.END_ARRAY) {
      elements.add(value(in));
    }
    return Collections.unmodifiableList(elements);
  }

  private Object value(JsonParser in) throws IOException {
    return switch (in.currentToken()) {
      case START_OBJECT -> object(in);
      case START_ARRAY -> array(in);
      case VALUE_STRING -> in.getText();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NUMBER_INT -> in.getLongValue();
      case VALUE_NUMBER_FLOAT -> {
        double number = in.getDoubleValue();
        if (!Double.isFinite(number)) {
          throw error(in, "expected a finite number");
        }
        yield number;
      }
      default -> throw error(in, "expected a value, found " + in.currentToken());
    };
  }

  private FormatException error(JsonParser in, String problem) {
    return new FormatException(file, in.currentTokenLocation().getByteOffset(), problem);
  }
}
