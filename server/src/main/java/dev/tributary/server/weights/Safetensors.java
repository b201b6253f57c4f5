package dev.tributary.server.weights;

import dev.tributary.identity.ReadableBytes;
import dev.tributary.identity.SafetensorsException;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A safetensors file, mapped; its header is checked by [SafetensorsHeader].
public final class Safetensors {
  private final String file;
  private final SafetensorsHeader header;
  private final Bytes bytes;

  private Safetensors(String file, SafetensorsHeader header, Bytes bytes) {
    this.file = file;
    this.header = header;
    this.bytes = bytes;
  }

  /// Opens and checks the file; [FormatException] names the first fault and its offset.
  public static Safetensors open(Path path) {
    String name = String.valueOf(path.getFileName());
    try (FileChannel channel = FileChannel.open(path)) {
      SafetensorsHeader header = SafetensorsHeader.parse(ReadableBytes.of(channel));
      return new Safetensors(name, header, Bytes.map(path));
    } catch (SafetensorsException e) {
      throw new FormatException(name + ": " + e.getMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Set<String> names() {
    return header.tensors().keySet();
  }

  /// The header's `__metadata__`.
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /// The tensor `name`, whose type must be F32, F16 or BF16.
  public StoredTensor tensor(String name) {
    SafetensorsHeader.Tensor entry = entry(name);
    TensorType type =
        switch (entry.dtype()) {
          case "F32" -> TensorType.F32;
          case "F16" -> TensorType.F16;
          case "BF16" -> TensorType.BF16;
          default ->
              throw new FormatException(
                  file,
                  entry.begin(),
                  "tensor " + name + " has dtype " + entry.dtype() + ", not supported");
        };
    return new StoredTensor(name, type, shape(entry), bytes(entry));
  }

  /// The bytes of the tensor `name`, whatever its type.
  public Bytes bytes(String name) {
    return bytes(entry(name));
  }

  private Bytes bytes(SafetensorsHeader.Tensor entry) {
    return bytes.slice(entry.begin(), entry.end() - entry.begin());
  }

  private SafetensorsHeader.Tensor entry(String name) {
    SafetensorsHeader.@Nullable Tensor entry = header.tensors().get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return entry;
  }

  private static long[] shape(SafetensorsHeader.Tensor entry) {
    return entry.shape().stream().mapToLong(Long::longValue).toArray();
  }
}
