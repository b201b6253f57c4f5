package dev.tributary.server.weights;

import dev.tributary.identity.ReadableBytes;
import dev.tributary.identity.SafetensorsException;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.tensor.Bytes;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// A safetensors file of F32, F16 and BF16 tensors, mapped.
public final class Safetensors {
  private final Path path;
  private final Map<String, String> metadata;
  private final TensorTable tensors;

  private Safetensors(Path path, Map<String, String> metadata, TensorTable tensors) {
    this.path = path;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /// Maps `file` and reads its header. The file must not change while it is in use.
  ///
  /// @throws IOException if it cannot be read
  /// @throws FormatException if it is malformed, or has a tensor of another type
  public static Safetensors open(Path file) throws IOException {
    return read(file, Bytes.map(file));
  }

  static Safetensors read(Path file, Bytes bytes) throws IOException {
    SafetensorsHeader header;
    try {
      header = SafetensorsHeader.parse(readable(bytes));
    } catch (SafetensorsException e) {
      throw new FormatException(file, e);
    }
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    header
        .tensors()
        .forEach((name, tensor) -> tensors.put(name, stored(file, bytes, name, tensor)));
    return new Safetensors(file, header.metadata(), new TensorTable(file, tensors));
  }

  private static StoredTensor stored(
      Path file, Bytes bytes, String name, SafetensorsHeader.Tensor tensor) {
    try {
      return new StoredTensor(
          name,
          TensorType.ofDtype(tensor.dtype()),
          tensor.shape(),
          bytes.slice(tensor.begin(), tensor.end() - tensor.begin()),
          file,
          tensor.begin());
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, tensor.begin(), name + ": " + e.getMessage(), e);
    }
  }

  private static ReadableBytes readable(Bytes bytes) {
    return new ReadableBytes() {
      @Override
      public long size() {
        return bytes.size();
      }

      @Override
      public void read(long position, ByteBuffer into) throws IOException {
        int length = into.remaining();
        if (position < 0 || position > bytes.size() - length) {
          throw new EOFException("the file ends at byte " + bytes.size());
        }
        byte[] read = new byte[length];
        bytes.get(position, read, 0, length);
        into.put(read);
      }
    };
  }

  public Path path() {
    return path;
  }

  /// The header's `__metadata__`.
  public Map<String, String> metadata() {
    return metadata;
  }

  /// In the order of the header.
  public Set<String> tensorNames() {
    return tensors.names();
  }

  /// The tensor of this name; from then on it counts as read.
  ///
  /// @throws FormatException if there is none
  public StoredTensor tensor(String name) {
    return tensors.get(name);
  }

  /// The tensors that nobody asked for.
  public Set<String> unread() {
    return tensors.unread();
  }
}
