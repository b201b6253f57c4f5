package dev.tributary.identity;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads one safetensors header as a stream of tokens; memory is bounded by the header's bytes.
final class SafetensorsHeaderReader {
  private static final int MAX_METADATA_CHARS = 10_000_000;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          // Headers are UTF-8; guessing UTF-16 would read other names than everyone else does.
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(4)
                  .maxNameLength(SafetensorsHeader.MAX_NAME_BYTES)
                  .maxNumberLength(20)
                  .maxStringLength(MAX_METADATA_CHARS)
                  .build())
          .build();

  private final byte[] header;
  private final long dataStart;
  private final long fileSize;
  private final Map<String, SafetensorsHeader.Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private boolean metadataSeen;

  SafetensorsHeaderReader(byte[] header, long fileSize) {
    this.header = header;
    this.dataStart = Long.BYTES + (long) header.length;
    this.fileSize = fileSize;
  }

  SafetensorsHeader read() {
    if (header[0] != '{') {
      throw new SafetensorsException(Long.BYTES, "the header does not begin with {");
    }
    requireUtf8();
    try (JsonParser in = JSON.createParser(header)) {
      in.nextToken();
      while (in.nextToken() != JsonToken.END_OBJECT) {
        readMember(in);
      }
      if (in.nextToken() != null) {
        throw error(in, "something follows the header's object");
      }
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
      throw new SafetensorsException(Long.BYTES + at, e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new AssertionError("the header is in memory", e);
    }
    requireTiling();
    return new SafetensorsHeader(tensors, metadata);
  }

  private void readMember(JsonParser in) throws IOException {
    String name = in.currentName();
    if (name.equals("__metadata__")) {
      if (metadataSeen) {
        throw error(in, "__metadata__ is there twice");
      }
      metadataSeen = true;
      readMetadata(in);
      return;
    }
    if (tensors.size() == SafetensorsHeader.MAX_TENSORS) {
      throw error(in, "more than " + SafetensorsHeader.MAX_TENSORS + " tensors");
    }
    // JSON can escape half a surrogate pair, which has no UTF-8; digests sort and hash by UTF-8.
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
      throw error(in, "tensor " + quoted(name) + ": half a surrogate pair in its name");
    }
    if (tensors.containsKey(name)) {
      throw error(in, "tensor " + quoted(name) + " is there twice");
    }
    tensors.put(name, readTensor(in, name));
  }

  private void readMetadata(JsonParser in) throws IOException {
    expect(in, JsonToken.START_OBJECT, "__metadata__ is not an object");
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String key = in.currentName();
      expect(in, JsonToken.VALUE_STRING, "metadata " + quoted(key) + " is not a string");
      if (metadata.put(key, in.getText()) != null) {
        throw error(in, "metadata " + quoted(key) + " is there twice");
      }
    }
  }

  private SafetensorsHeader.Tensor readTensor(JsonParser in, String name) throws IOException {
    String what = "tensor " + quoted(name);
    expect(in, JsonToken.START_OBJECT, what + " is not an object");
    String dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String key = in.currentName();
      switch (key) {
        case "dtype" -> {
          requireFirst(in, dtype, what, key);
          expect(in, JsonToken.VALUE_STRING, what + ": dtype is not a string");
          dtype = in.getText();
        }
        case "shape" -> {
          requireFirst(in, shape, what, key);
          shape = readLongs(in, what + ": shape", SafetensorsHeader.MAX_DIMENSIONS);
        }
        case "data_offsets" -> {
          requireFirst(in, offsets, what, key);
          offsets = readLongs(in, what + ": data_offsets", 2);
        }
        default -> throw error(in, what + " has an unknown key " + quoted(key));
      }
    }
    if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
      throw error(in, what + " needs a dtype, a shape and two data_offsets");
    }
    return tensor(in, what, dtype, shape, offsets.get(0), offsets.get(1));
  }

  private SafetensorsHeader.Tensor tensor(
      JsonParser in, String what, String dtype, List<Long> shape, long begin, long end) {
    long bytes;
    try {
      bytes = SafetensorsHeader.bytes(dtype, shape);
    } catch (ArithmeticException e) {
      throw new SafetensorsException(offset(in), what + ": its size overflows 64 bits", e);
    }
    if (bytes < 0) {
      throw error(in, what + " has an unknown dtype " + quoted(dtype));
    }
    if (begin > end || end > fileSize - dataStart) {
      throw error(
          in,
          "%s: data_offsets [%d, %d] in a data section of %d bytes"
              .formatted(what, begin, end, fileSize - dataStart));
    }
    if (bytes != end - begin) {
      throw error(
          in, "%s takes %d bytes, data_offsets give %d".formatted(what, bytes, end - begin));
    }
    return new SafetensorsHeader.Tensor(dtype, shape, dataStart + begin, dataStart + end);
  }

  private List<Long> readLongs(JsonParser in, String what, int most) throws IOException {
    expect(in, JsonToken.START_ARRAY, what + " is not an array");
    List<Long> numbers = new ArrayList<>(most);
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (numbers.size() == most) {
        throw error(in, what + " has more than " + most + " numbers");
      }
      if (in.currentToken() != JsonToken.VALUE_NUMBER_INT
          || in.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || in.getLongValue() < 0) {
        throw error(in, what + " has something else than integers from 0 to 2^63 - 1");
      }
      numbers.add(in.getLongValue());
    }
    return numbers;
  }

  /// Tensors, in order of their bytes, follow each other from the first data byte to the last.
  private void requireTiling() {
    List<Map.Entry<String, SafetensorsHeader.Tensor>> byPlace = new ArrayList<>(tensors.entrySet());
    byPlace.sort(
        Comparator.comparingLong(
                (Map.Entry<String, SafetensorsHeader.Tensor> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long at = dataStart;
    for (Map.Entry<String, SafetensorsHeader.Tensor> entry : byPlace) {
      long begin = entry.getValue().begin();
      if (begin != at) {
        throw new SafetensorsException(
            Math.min(at, begin),
            "tensor %s begins at byte %d, the one before it ends at %d: %s"
                .formatted(quoted(entry.getKey()), begin, at, begin < at ? "overlap" : "hole"));
      }
      at = entry.getValue().end();
    }
    if (at != fileSize) {
      throw new SafetensorsException(at, (fileSize - at) + " bytes follow the last tensor");
    }
  }

  /// Jackson lets some malformed UTF-8 pass, so it is checked before.
  private void requireUtf8() {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(header);
    CharBuffer discarded = CharBuffer.allocate(8_192);
    CoderResult result;
    do {
      result = decoder.decode(in, discarded.clear(), true);
    } while (result.isOverflow());
    if (result.isError()) {
      throw new SafetensorsException(Long.BYTES + (long) in.position(), "not UTF-8");
    }
  }

  private static void expect(JsonParser in, JsonToken token, String otherwise) throws IOException {
    if (in.nextToken() != token) {
      throw error(in, otherwise);
    }
  }

  private static void requireFirst(JsonParser in, @Nullable Object seen, String what, String key) {
    if (seen != null) {
      throw error(in, what + ": " + key + " is there twice");
    }
  }

  private static SafetensorsException error(JsonParser in, String reason) {
    return new SafetensorsException(offset(in), reason);
  }

  private static long offset(JsonParser in) {
    return Long.BYTES + Math.max(0, in.currentTokenLocation().getByteOffset());
  }

  /// A name as it can stand in a message: short, and without control characters.
  private static String quoted(String name) {
    String text = name.length() <= 100 ? name : name.substring(0, 100) + "...";
    return '"' + text.replaceAll("\\p{Cntrl}", "?") + '"';
  }
}
