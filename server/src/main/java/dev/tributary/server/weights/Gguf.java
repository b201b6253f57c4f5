package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A GGUF file, version 2 or 3, little-endian (`gguf.md` of the ggml project), mapped and read
/// strictly.
///
/// Counts and lengths are checked against what is left of the file before anything is allocated, so
/// a hostile file costs no more memory than its own size.
public final class Gguf implements Checkpoint {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int MAX_DIMS = 4;
  private static final int MAX_KEY = 65_535;
  private static final int MAX_TENSOR_NAME = 127;

  private final Map<String, Object> metadata;
  private final Map<String, StoredTensor> tensors;

  private Gguf(Map<String, Object> metadata, Map<String, StoredTensor> tensors) {
    this.metadata = Collections.unmodifiableMap(metadata);
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /// Opens and checks the file; [FormatException] names the first fault and its offset.
  public static Gguf open(Path file) {
    try {
      return read(file.getFileName().toString(), Bytes.map(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Gguf read(String name, Bytes bytes) {
    GgufCursor in = new GgufCursor(name, bytes);
    in.require(4, "the GGUF magic");
    int magic = in.int32("magic");
    if (magic != MAGIC) {
      throw in.fault(0, "not a GGUF file");
    }
    int version = in.int32("version");
    if (version == 1 || Integer.reverseBytes(version) <= 3 && Integer.reverseBytes(version) > 0) {
      throw in.fault(
          4, version == 1 ? "GGUF version 1 is not supported" : "big-endian GGUF is not supported");
    }
    if (version != 2 && version != 3) {
      throw in.fault(4, "GGUF version " + Integer.toUnsignedString(version) + " is not known");
    }
    // The smallest tensor entry: name length, dims, one dimension, type, offset.
    long tensorCount = in.count("tensor count", 8 + 4 + 8 + 4 + 8);
    long keyCount = in.count("key count", 8 + 4 + 1);
    Map<String, Object> metadata = metadata(in, keyCount);
    Map<String, StoredTensor> tensors = tensors(in, tensorCount, alignment(in, metadata));
    return new Gguf(metadata, tensors);
  }

  private static Map<String, Object> metadata(GgufCursor in, long count) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long at = in.offset();
      String key = in.string("key", MAX_KEY);
      Object value = in.value(in.int32("type of " + key), key, 0);
      if (metadata.put(key, value) != null) {
        throw in.fault(at, "key " + key + " stands twice");
      }
    }
    return metadata;
  }

  private static long alignment(GgufCursor in, Map<String, Object> metadata) {
    Object value = metadata.getOrDefault("general.alignment", 32L);
    if (value instanceof Long alignment
        && alignment >= 1
        && alignment <= 1 << 20
        && Long.bitCount(alignment) == 1) {
      return alignment;
    }
    throw in.fault(in.offset(), "general.alignment = " + value + " is not a power of two");
  }

  /// A tensor's entry, before its data's place is known to be right.
  private record Entry(
      long at, String name, TensorType type, long[] shape, long offset, long size) {}

  private static Map<String, StoredTensor> tensors(GgufCursor in, long count, long alignment) {
    List<Entry> entries = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      entries.add(entry(in, alignment));
    }
    long start = (in.offset() + alignment - 1) / alignment * alignment;
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    List<Entry> placed = new ArrayList<>(entries);
    placed.sort((a, b) -> Long.compare(a.offset, b.offset));
    long end = 0;
    for (Entry entry : placed) {
      if (entry.offset < end) {
        throw in.fault(entry.at, "tensor " + entry.name + " overlaps another");
      }
      end = entry.offset + entry.size;
      if (end > in.size() - start) {
        throw in.fault(
            entry.at,
            "tensor " + entry.name + " ends at byte " + (start + end) + " of " + in.size());
      }
    }
    for (Entry entry : entries) {
      Bytes data = in.slice(start + entry.offset, entry.size);
      StoredTensor tensor = new StoredTensor(entry.name, entry.type, entry.shape, data);
      if (tensors.put(entry.name, tensor) != null) {
        throw in.fault(entry.at, "tensor " + entry.name + " stands twice");
      }
    }
    return tensors;
  }

  private static Entry entry(GgufCursor in, long alignment) {
    long at = in.offset();
    String name = in.string("tensor name", MAX_TENSOR_NAME);
    int dims = in.int32("dimensions of " + name);
    if (dims < 1 || dims > MAX_DIMS) {
      throw in.fault(
          at, "tensor " + name + " has " + Integer.toUnsignedString(dims) + " dimensions");
    }
    long[] shape = new long[dims];
    long elements = 1;
    for (int d = dims - 1; d >= 0; d--) {
      // The file gives the innermost dimension first.
      shape[d] = in.int64("shape of " + name);
      if (shape[d] < 1 || elements > Long.MAX_VALUE / 8 / shape[d]) {
        throw in.fault(at, "tensor " + name + " has dimension " + Long.toUnsignedString(shape[d]));
      }
      elements *= shape[d];
    }
    int id = in.int32("type of " + name);
    TensorType type = TensorType.ofGgml(id);
    if (type == null) {
      throw in.fault(
          at, "tensor " + name + " has type " + GgufCursor.typeName(id) + ", not supported");
    }
    if (shape[dims - 1] % type.blockLength() != 0) {
      throw in.fault(
          at, "tensor " + name + ": rows of " + shape[dims - 1] + " do not fill blocks of " + type);
    }
    long offset = in.int64("offset of " + name);
    long size = elements / type.blockLength() * type.blockBytes();
    if (offset < 0 || offset % alignment != 0 || offset > in.size()) {
      throw in.fault(at, "tensor " + name + " is at offset " + Long.toUnsignedString(offset));
    }
    return new Entry(at, name, type, shape, offset, size);
  }

  @Override
  public Kind kind() {
    return Kind.GGUF;
  }

  @Override
  public Map<String, Object> metadata() {
    return metadata;
  }

  @Override
  public Set<String> tensorNames() {
    return tensors.keySet();
  }

  @Override
  public StoredTensor tensor(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return tensor;
  }
}
