package dev.tributary.server.adapter;

import dev.tributary.server.adapter.PeftLayout.PairTensors;
import dev.tributary.server.adapter.PeftLayout.Stored;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.NormSite;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/// Copies the tensors of a PEFT file into the form that the graph applies. bfloat16 stays bfloat16,
/// float16 and float32 become float32. NaN and infinity are refused.
final class PeftReader {
  private final BaseWeights base;
  private final ByteBuffer file;

  /// @param file the whole safetensors file, whose tensors a [PeftLayout] of the base describes
  PeftReader(BaseWeights base, ByteBuffer file) {
    this.base = base;
    this.file = file.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /// @throws AdapterException naming tensor and index of a number that is not finite
  LoraWeights read(PeftLayout layout) {
    long size = layout.pairs().values().stream().mapToLong(PeftReader::size).sum();
    try (Region scratch = Region.allocate(size)) {
      return read(layout, scratch.bytes());
    }
  }

  /// @param scratch for the pairs, until they are copied side by side
  private LoraWeights read(PeftLayout layout, Bytes scratch) {
    long bytes = 0;
    long at = 0;
    Map<Site, Pair> pairs = new LinkedHashMap<>();
    Map<Site, float[]> magnitudes = new LinkedHashMap<>();
    for (Map.Entry<Site, PairTensors> entry : layout.pairs().entrySet()) {
      Site site = entry.getKey();
      PairTensors tensors = entry.getValue();
      Matrix a = matrix(tensors.a(), scratch.slice(at, size(tensors.a())));
      at += a.data().size();
      Matrix bt = transposed(tensors.b(), scratch.slice(at, size(tensors.b())));
      at += bt.data().size();
      Pair pair = new Pair(a, bt, tensors.scaling());
      pairs.put(site, pair);
      bytes += pair.a().data().size() + pair.bt().data().size();
      Stored magnitude = tensors.magnitude();
      if (magnitude != null) {
        float[] scales = Dora.outputScales(base, site, pair, floats(magnitude), magnitude.name());
        magnitudes.put(site, scales);
        bytes += (long) scales.length * Float.BYTES;
      }
    }
    Map<NormSite, float[]> norms = new LinkedHashMap<>();
    for (Map.Entry<NormSite, Stored> entry : layout.norms().entrySet()) {
      float[] values = floats(entry.getValue());
      norms.put(entry.getKey(), values);
      bytes += (long) values.length * Float.BYTES;
    }
    Stored stored = layout.head();
    LoraWeights.Head head = stored == null ? null : head(stored);
    return new LoraWeights(
        pairs, magnitudes, norms, head, bytes + (head == null ? 0 : head.linear().bytes()));
  }

  private static long size(PairTensors tensors) {
    return size(tensors.a()) + size(tensors.b());
  }

  private static long size(Stored stored) {
    return stored.tensor().elements() * type(stored).bytes();
  }

  /// `[rows, cols]` as it lies in the file.
  private Matrix matrix(Stored stored, Bytes into) {
    int rows = dimension(stored, 0);
    int cols = dimension(stored, 1);
    copy(stored, into, cols, 1);
    return new Matrix(into, type(stored), rows, cols);
  }

  /// `[rows, cols]` of the file as `[cols, rows]`.
  private Matrix transposed(Stored stored, Bytes into) {
    int rows = dimension(stored, 0);
    int cols = dimension(stored, 1);
    copy(stored, into, 1, rows);
    return new Matrix(into, type(stored), cols, rows);
  }

  /// Copies element `[row, col]` to index `row * rowStride + col * colStride`.
  private void copy(Stored stored, Bytes into, int rowStride, int colStride) {
    int rows = dimension(stored, 0);
    int cols = dimension(stored, 1);
    int begin = begin(stored);
    DType type = type(stored);
    boolean half = stored.tensor().dtype().equals("F16");
    for (int row = 0; row < rows; row++) {
      for (int col = 0; col < cols; col++) {
        int from = row * cols + col;
        long to = (long) row * rowStride + (long) col * colStride;
        if (type == DType.BF16) {
          short bits = file.getShort(begin + 2 * from);
          requireFinite(Floats.fromBf16(bits), stored, from);
          into.putShort(2 * to, bits);
        } else {
          float value =
              half
                  ? Floats.fromF16(file.getShort(begin + 2 * from))
                  : file.getFloat(begin + 4 * from);
          requireFinite(value, stored, from);
          into.putFloat(4 * to, value);
        }
      }
    }
  }

  private float[] floats(Stored stored) {
    float[] values = new float[Math.toIntExact(stored.tensor().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(stored, i);
    }
    return values;
  }

  /// A replaced head; rounded to bfloat16, as precise as the base's can be.
  private LoraWeights.Head head(Stored stored) {
    int elements = Math.toIntExact(stored.tensor().elements());
    Region memory = Region.allocate(2L * elements);
    try {
      for (int i = 0; i < elements; i++) {
        memory.bytes().putBf16(2L * i, value(stored, i));
      }
    } catch (AdapterException e) {
      memory.close();
      throw e;
    }
    LinearWeights weights =
        new LinearWeights.Bf16(dimension(stored, 0), dimension(stored, 1), memory.bytes());
    return new LoraWeights.Head(base.pack(weights), memory);
  }

  private float value(Stored stored, int index) {
    int begin = begin(stored);
    float value =
        switch (stored.tensor().dtype()) {
          case "F32" -> file.getFloat(begin + 4 * index);
          case "F16" -> Floats.fromF16(file.getShort(begin + 2 * index));
          case "BF16" -> Floats.fromBf16(file.getShort(begin + 2 * index));
          default -> throw new IllegalArgumentException(stored.tensor().dtype());
        };
    requireFinite(value, stored, index);
    return value;
  }

  private static void requireFinite(float value, Stored stored, int index) {
    if (!Float.isFinite(value)) {
      throw new AdapterException(
          new AdapterRefusal.Malformed(stored.name(), "[" + index + "] is " + value));
    }
  }

  private static DType type(Stored stored) {
    return stored.tensor().dtype().equals("BF16") ? DType.BF16 : DType.F32;
  }

  /// Files are at most 2 GiB, see [PeftFolder].
  private static int begin(Stored stored) {
    return Math.toIntExact(stored.tensor().begin());
  }

  private static int dimension(Stored stored, int index) {
    return Math.toIntExact(stored.tensor().shape().get(index));
  }
}
