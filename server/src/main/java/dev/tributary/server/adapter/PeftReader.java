package dev.tributary.server.adapter;

import dev.tributary.server.adapter.PeftLayout.PairTensors;
import dev.tributary.server.adapter.PeftLayout.Stored;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.NormSite;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Room;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Finite;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.LinearWeights;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Region;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// Copies the tensors of a PEFT file into the form that the graph applies. bfloat16 stays bfloat16,
/// float16 and float32 become float32. NaN and infinity are refused.
final class PeftReader {
  /// Rows and columns of a matrix that are transposed at a time: what is read and what is written
  /// then both lie in the first cache.
  private static final int TILE = 32;

  /// Elements of a replaced head that are converted at a time.
  private static final int HEAD_PIECE = 1 << 14;

  private final BaseWeights base;
  private final Bytes file;
  private final Pace pace;

  /// @param file the whole safetensors file, whose tensors a [PeftLayout] of the base describes
  PeftReader(BaseWeights base, Bytes file, Pace pace) {
    this.base = base;
    this.file = file;
    this.pace = pace;
  }

  /// @throws AdapterException naming tensor and index of a number that is not finite
  LoraWeights read(PeftLayout layout) {
    Map<Site, Form> forms = new HashMap<>();
    layout.pairs().forEach((site, tensors) -> forms.put(site, form(tensors)));
    Room room = new Room(forms);
    try {
      return read(layout, room);
    } catch (RuntimeException | Error e) {
      room.close();
      throw e;
    }
  }

  private LoraWeights read(PeftLayout layout, Room room) {
    long bytes = 0;
    Map<Site, float[]> magnitudes = new LinkedHashMap<>();
    for (Map.Entry<Site, PairTensors> entry : layout.pairs().entrySet()) {
      Site site = entry.getKey();
      PairTensors tensors = entry.getValue();
      Pair pair = Objects.requireNonNull(room.pairs().get(site));
      copy(tensors.a(), pair.a());
      transpose(tensors.b(), pair.bt());
      bytes += size(tensors.a()) + size(tensors.b());
      Stored magnitude = tensors.magnitude();
      if (magnitude != null) {
        float[] scales =
            Dora.outputScales(base, site, pair, floats(magnitude), magnitude.name(), pace);
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
        room, magnitudes, norms, head, bytes + (head == null ? 0 : head.linear().bytes()));
  }

  private static Form form(PairTensors tensors) {
    Stored a = tensors.a();
    Stored b = tensors.b();
    return new Form(
        type(a), type(b), tensors.rank(), dimension(a, 1), dimension(b, 0), tensors.scaling());
  }

  private static long size(Stored stored) {
    return stored.tensor().elements() * type(stored).bytes();
  }

  /// Fills `into` with the tensor as it lies in the file.
  private void copy(Stored stored, Matrix into) {
    long begin = begin(stored);
    if (isHalf(stored)) {
      for (int row = 0; row < into.rows(); row++) {
        for (int col = 0; col < into.cols(); col++) {
          into.set(row, col, half(begin, (long) row * into.cols() + col));
        }
        pace.rest();
      }
    } else {
      long width = (long) into.cols() * into.type().bytes();
      for (int row = 0; row < into.rows(); row++) {
        into.data().copyFrom(file, begin + row * width, row * width, width);
        pace.rest();
      }
    }
    for (int row = 0; row < into.rows(); row++) {
      long found = Finite.firstNot(into.rowRange(row, row + 1));
      if (found >= 0) {
        throw notFinite(into.get(row, (int) found), stored, (long) row * into.cols() + found);
      }
      pace.rest();
    }
  }

  /// Fills `into`, `[cols, rows]`, with the tensor, which is `[rows, cols]` in the file.
  private void transpose(Stored stored, Matrix into) {
    int rows = into.cols();
    int cols = into.rows();
    for (int row = 0; row < rows; row += TILE) {
      for (int col = 0; col < cols; col += TILE) {
        transpose(stored, into, row, Math.min(rows, row + TILE), col, Math.min(cols, col + TILE));
      }
      pace.rest();
    }
    for (int col = 0; col < cols; col++) {
      long found = Finite.firstNot(into.rowRange(col, col + 1));
      if (found >= 0) {
        throw notFinite(into.get(col, (int) found), stored, found * cols + col);
      }
      pace.rest();
    }
  }

  private void transpose(Stored stored, Matrix into, int row, int endRow, int col, int endCol) {
    long begin = begin(stored);
    long rows = into.cols();
    long cols = into.rows();
    Bytes to = into.data();
    if (isHalf(stored)) {
      for (int c = col; c < endCol; c++) {
        for (int r = row; r < endRow; r++) {
          to.putFloat(4 * (c * rows + r), half(begin, r * cols + c));
        }
      }
    } else if (into.type() == DType.BF16) {
      for (int c = col; c < endCol; c++) {
        for (int r = row; r < endRow; r++) {
          to.putShort(2 * (c * rows + r), file.getShort(begin + 2 * (r * cols + c)));
        }
      }
    } else {
      for (int c = col; c < endCol; c++) {
        for (int r = row; r < endRow; r++) {
          to.putInt(4 * (c * rows + r), file.getInt(begin + 4 * (r * cols + c)));
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
        if (i % HEAD_PIECE == 0) {
          pace.rest();
        }
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
    long begin = begin(stored);
    float value =
        switch (stored.tensor().dtype()) {
          case "F32" -> file.getFloat(begin + 4L * index);
          case "F16" -> half(begin, index);
          case "BF16" -> file.getBf16(begin + 2L * index);
          default -> throw new IllegalArgumentException(stored.tensor().dtype());
        };
    if (!Float.isFinite(value)) {
      throw notFinite(value, stored, index);
    }
    return value;
  }

  private float half(long begin, long index) {
    return Floats.fromF16(file.getShort(begin + 2 * index));
  }

  private static boolean isHalf(Stored stored) {
    return stored.tensor().dtype().equals("F16");
  }

  private static AdapterException notFinite(float value, Stored stored, long index) {
    return new AdapterException(
        new AdapterRefusal.Malformed(stored.name(), "[" + index + "] is " + value));
  }

  private static DType type(Stored stored) {
    return stored.tensor().dtype().equals("BF16") ? DType.BF16 : DType.F32;
  }

  private static long begin(Stored stored) {
    return stored.tensor().begin();
  }

  private static int dimension(Stored stored, int index) {
    return Math.toIntExact(stored.tensor().shape().get(index));
  }
}
