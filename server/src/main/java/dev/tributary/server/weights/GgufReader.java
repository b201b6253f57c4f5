package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads one GGUF header and checks that the tensors it lists are in the file.
final class GgufReader {
  /// Most metadata values, elements of arrays counted: the largest vocabularies have 1.3 million.
  private static final int MAX_VALUES = 4 << 20;

  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_KEY_BYTES = 65_535;
  private static final int MAX_STRING_BYTES = 16 << 20;
  private static final int MAX_ARRAY_DEPTH = 4;
  private static final int MAX_TENSORS = 1 << 16;

  /// GGML_MAX_NAME.
  private static final int MAX_TENSOR_NAME_BYTES = 64;

  /// GGML_MAX_DIMS.
  private static final int MAX_DIMENSIONS = 4;

  private static final int MAGIC = 0x46554747; // GGUF
  private static final String ALIGNMENT = "general.alignment";
  private static final long DEFAULT_ALIGNMENT = 32;
  private static final long MAX_ALIGNMENT = 1 << 20;

  private final Path file;
  private final Bytes bytes;
  private final GgufCursor in;
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private int values;

  GgufReader(Path file, Bytes bytes) {
    this.file = file;
    this.bytes = bytes;
    this.in = new GgufCursor(file, bytes);
  }

  /// A tensor of the list.
  ///
  /// @param listed byte offset of its entry in the list
  /// @param offset byte offset of its data from the start of the data
  private record Entry(
      String name, TensorType type, List<Long> shape, long listed, long offset, long size) {}

  /// Reads all of the header. Then [#metadata] is complete.
  Map<String, StoredTensor> read() {
    readVersion();
    long countsAt = in.position();
    // A tensor's entry takes at least 33 bytes, a key with its value 14.
    int tensors = in.count("tensors", MAX_TENSORS, 33);
    int keys = in.count("metadata keys", MAX_KEYS, 14);
    for (int i = 0; i < keys; i++) {
      readPair();
    }
    requireWhole(countsAt);
    long alignment = alignment(countsAt);
    List<Entry> entries = new ArrayList<>(tensors);
    for (int i = 0; i < tensors; i++) {
      entries.add(readEntry(alignment));
    }
    long dataStart = (in.position() + alignment - 1) / alignment * alignment;
    return place(entries, dataStart);
  }

  Map<String, Object> metadata() {
    return metadata;
  }

  private void readVersion() {
    if (in.u32("the magic GGUF") != MAGIC) {
      throw in.error(0, "expected the magic GGUF");
    }
    int version = in.u32("the version");
    if ((version & 0xffff) == 0 && version != 0) {
      throw in.error(4, "expected little-endian numbers, found a big-endian GGUF file");
    }
    if (version != 2 && version != 3) {
      throw in.error(4, "expected GGUF version 2 or 3, found " + Integer.toUnsignedString(version));
    }
  }

  private void readPair() {
    long start = in.position();
    String key = in.string("a metadata key", MAX_KEY_BYTES);
    Object value = value(in.u32("the type of " + key), key, 0);
    if (metadata.putIfAbsent(key, value) != null) {
      throw in.error(start, "expected a new metadata key, found " + key + " again");
    }
  }

  private Object value(int type, String key, int depth) {
    long start = in.position();
    if (++values > MAX_VALUES) {
      throw in.error(start, "expected at most " + MAX_VALUES + " metadata values");
    }
    return switch (type) {
      case 0 -> (long) Byte.toUnsignedInt(in.u8(key));
      case 1 -> (long) in.u8(key);
      case 2 -> (long) Short.toUnsignedInt(in.u16(key));
      case 3 -> (long) in.u16(key);
      case 4 -> Integer.toUnsignedLong(in.u32(key));
      case 5 -> (long) in.u32(key);
      case 6 -> in.f32(key);
      case 7 -> bool(key);
      case 8 -> in.string(key, MAX_STRING_BYTES);
      case 9 -> array(key, depth + 1);
      case 10 -> u64(key);
      case 11 -> in.u64(key);
      case 12 -> Double.longBitsToDouble(in.u64(key));
      default ->
          throw in.error(
              start - 4,
              "expected a metadata type from 0 to 12 for %s, found %s"
                  .formatted(key, Integer.toUnsignedString(type)));
    };
  }

  private Object bool(String key) {
    long start = in.position();
    byte value = in.u8(key);
    if (value != 0 && value != 1) {
      throw in.error(start, "expected 0 or 1 for " + key + ", found " + value);
    }
    return value == 1;
  }

  private Object u64(String key) {
    long start = in.position();
    long value = in.u64(key);
    if (value < 0) {
      throw in.error(
          start, "expected less than 2^63 for " + key + ", found " + Long.toUnsignedString(value));
    }
    return value;
  }

  private Object array(String key, int depth) {
    long start = in.position();
    if (depth > MAX_ARRAY_DEPTH) {
      throw in.error(start, "expected arrays of at most " + MAX_ARRAY_DEPTH + " levels in " + key);
    }
    int type = in.u32("the element type of " + key);
    int count = in.count("elements of " + key, MAX_VALUES - values, leastBytes(type));
    List<Object> elements = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      elements.add(value(type, key, depth));
    }
    return Collections.unmodifiableList(elements);
  }

  /// Fewest bytes that a value of a type takes; 1 for unknown types, refused at the first element.
  private static int leastBytes(int type) {
    return switch (type) {
      case 2, 3 -> 2;
      case 4, 5, 6 -> 4;
      case 8, 10, 11, 12 -> 8;
      case 9 -> 12;
      default -> 1;
    };
  }

  private void requireWhole(long countsAt) {
    if (metadata.get("split.count") instanceof Long parts && parts > 1) {
      throw in.error(
          countsAt,
          "expected a whole model, found one of %d parts: join them by llama-gguf-split --merge"
              .formatted(parts));
    }
  }

  private long alignment(long countsAt) {
    Object value = metadata.getOrDefault(ALIGNMENT, DEFAULT_ALIGNMENT);
    if (value instanceof Long alignment
        && alignment >= 1
        && alignment <= MAX_ALIGNMENT
        && Long.bitCount(alignment) == 1) {
      return alignment;
    }
    throw in.error(
        countsAt,
        "expected a power of two up to %d as %s, found %s"
            .formatted(MAX_ALIGNMENT, ALIGNMENT, value));
  }

  private Entry readEntry(long alignment) {
    long start = in.position();
    String name = in.string("a tensor's name", MAX_TENSOR_NAME_BYTES);
    int dimensions = in.u32("the dimensions of " + name);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw in.error(
          in.position() - 4,
          "expected 1 to %d dimensions of %s, found %s"
              .formatted(MAX_DIMENSIONS, name, Integer.toUnsignedString(dimensions)));
    }
    long shapeAt = in.position();
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < dimensions; i++) {
      // The innermost dimension comes first.
      shape.addFirst(in.u64("a dimension of " + name));
    }
    long typeAt = in.position();
    TensorType type;
    try {
      type = TensorType.of(Integer.toUnsignedLong(in.u32("the type of " + name)));
    } catch (IllegalArgumentException e) {
      throw in.error(typeAt, name + ": " + e.getMessage(), e);
    }
    long size;
    try {
      size = type.bytes(shape);
    } catch (IllegalArgumentException e) {
      throw in.error(shapeAt, name + ": " + e.getMessage(), e);
    }
    long offset = in.u64("the offset of " + name);
    if (offset < 0 || offset % alignment != 0) {
      throw in.error(
          in.position() - 8,
          "expected a multiple of %d as the offset of %s, found %s"
              .formatted(alignment, name, Long.toUnsignedString(offset)));
    }
    return new Entry(name, type, shape, start, offset, size);
  }

  private Map<String, StoredTensor> place(List<Entry> entries, long dataStart) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      long room = bytes.size() - dataStart - entry.offset;
      if (entry.offset > bytes.size() || room < entry.size) {
        throw in.error(
            entry.listed,
            "expected %d bytes of %s from byte %s, but the file ends at byte %d"
                .formatted(
                    entry.size,
                    entry.name,
                    Long.toUnsignedString(dataStart + entry.offset),
                    bytes.size()));
      }
      long at = dataStart + entry.offset;
      Bytes data = bytes.slice(at, entry.size);
      StoredTensor tensor = new StoredTensor(entry.name, entry.type, entry.shape, data, file, at);
      if (tensors.put(entry.name, tensor) != null) {
        throw in.error(entry.listed, "expected a new tensor, found " + entry.name + " again");
      }
    }
    requireApart(entries);
    return tensors;
  }

  private void requireApart(List<Entry> entries) {
    List<Entry> ordered = new ArrayList<>(entries);
    ordered.sort(Comparator.comparingLong(Entry::offset));
    for (int i = 1; i < ordered.size(); i++) {
      Entry before = ordered.get(i - 1);
      Entry after = ordered.get(i);
      if (after.offset - before.offset < before.size) {
        throw in.error(
            after.listed,
            "expected tensors apart, found that %s and %s overlap"
                .formatted(before.name, after.name));
      }
    }
  }
}
