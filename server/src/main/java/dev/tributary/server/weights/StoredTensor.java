package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.LinearWeights;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// A tensor as its file stores it, in the Hugging Face layout: row-major, the last dimension is a
/// row, a linear layer is `[outputs, inputs]`.
///
/// @param shape each dimension at least 1; empty for a scalar
/// @param data the blocks of all rows, usually a part of the mapped file
/// @param file where it comes from, for errors
/// @param offset byte offset of `data` in `file`
/// @param permutedHeads if not 0, the rows are those of this many attention heads in the order that
///   llama.cpp's converter gives them, and are read as if it never had: see [#unpermuted]
public record StoredTensor(
    String name,
    TensorType type,
    List<Long> shape,
    Bytes data,
    Path file,
    long offset,
    int permutedHeads) {
  public StoredTensor {
    shape = List.copyOf(shape);
    long bytes = type.bytes(shape);
    if (data.size() != bytes) {
      throw new IllegalArgumentException(
          name + ": " + data.size() + " bytes for " + bytes + " of " + type + " " + shape);
    }
  }

  StoredTensor(String name, TensorType type, List<Long> shape, Bytes data, Path file, long offset) {
    this(name, type, shape, data, file, offset, 0);
  }

  /// The product of all dimensions but the last; 1 for a vector.
  public int rows() {
    return Math.toIntExact(elements() / cols());
  }

  /// Elements of a row.
  public int cols() {
    return shape.isEmpty() ? 1 : Math.toIntExact(shape.getLast());
  }

  private long elements() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /// Dequantises row `row` into `out[0..cols)`. Values are as stored, finite or not.
  public void row(int row, float[] out) {
    type.dequantize(data, rowOffset(row), cols(), out);
  }

  /// All elements, row-major.
  ///
  /// @throws FormatException if one is not finite, or they are more than an array can hold
  public float[] toFloats() {
    if (elements() > Integer.MAX_VALUE - 8) {
      throw error("expected a tensor that fits an array, found " + shape);
    }
    float[] all = new float[Math.toIntExact(elements())];
    float[] row = new float[cols()];
    for (int r = 0; r < rows(); r++) {
      row(r, row);
      for (float value : row) {
        requireFinite(r, value);
      }
      System.arraycopy(row, 0, all, r * row.length, row.length);
    }
    return all;
  }

  /// The weights of a linear layer in the form that loses least: Q4_0, Q4_1 and Q4_K keep their
  /// 4-bit codes, Q8_0 its bytes, all other types become bfloat16.
  ///
  /// @throws FormatException if this is no matrix, or holds something that is not finite
  public LinearWeights toLinear() {
    if (shape.size() != 2) {
      throw error("expected a matrix, found " + shape);
    }
    return new Repack(this).repack();
  }

  /// This tensor if it has the shape that the caller needs.
  ///
  /// @throws FormatException if it has another, saying both
  public StoredTensor requireShape(long... expected) {
    List<Long> wanted = Arrays.stream(expected).boxed().toList();
    if (!shape.equals(wanted)) {
      throw error("expected the shape " + wanted + ", found " + shape);
    }
    return this;
  }

  /// The same tensor with the row order of Hugging Face's rotary embedding.
  ///
  /// llama.cpp's converter stores the rows of Llama's q and k projections with the two halves of
  /// each head interleaved: its row `2 i + j` of a head is row `j * half + i` of the original.
  ///
  /// @param heads of this projection: query heads for q, key heads for k
  /// @throws FormatException if the rows don't make `heads` heads of even width
  public StoredTensor unpermuted(int heads) {
    boolean vector = shape.size() == 1 && type.blockElements() == 1;
    if (!(vector || shape.size() == 2) || heads < 1 || shape.getFirst() % (2L * heads) != 0) {
      throw error("expected rows of " + heads + " heads of even width, found " + shape);
    }
    if (vector) {
      // A bias: reordered at once, as a matrix of one column.
      float[] ordered =
          new StoredTensor(name, type, List.of(shape.getFirst(), 1L), data, file, offset, heads)
              .toFloats();
      Bytes values = Bytes.allocate(4L * ordered.length);
      for (int i = 0; i < ordered.length; i++) {
        values.putFloat(4L * i, ordered[i]);
      }
      return new StoredTensor(name, TensorType.F32, shape, values, file, offset);
    }
    return new StoredTensor(name, type, shape, data, file, offset, heads);
  }

  /// Bytes of one row.
  long rowBytes() {
    return (long) cols() / type.blockElements() * type.blockBytes();
  }

  /// Byte offset in `data` of row `row`.
  long rowOffset(int row) {
    int stored = row;
    if (permutedHeads > 0) {
      int width = rows() / permutedHeads;
      int half = width / 2;
      int inHead = row % width;
      stored = row - inHead + inHead % half * 2 + inHead / half;
    }
    return stored * rowBytes();
  }

  void requireFinite(int row, float value) {
    if (!Float.isFinite(value)) {
      throw new FormatException(
          file, offset + rowOffset(row), name + ": expected finite values, found " + value);
    }
  }

  private FormatException error(String problem) {
    return new FormatException(file, offset, name + ": " + problem);
  }
}
