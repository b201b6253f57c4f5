package dev.tributary.server.tensor;

/// The weights `W` of one linear layer `y = x Wᵀ`, `[outputs, inputs]`, in the form a file gave
/// them.
///
/// An [Ops] packs them into a [Linear]; until then they are plain bytes that any code can read.
public sealed interface LinearWeights {
  /// Inputs that share one scale (and zero) in the quantised forms.
  int GROUP = 32;

  int outputs();

  int inputs();

  /// Bytes that the values, scales and zeros take in this form.
  long bytes();

  /// Dequantises row `output` of `W` into `row[0..inputs)`.
  void row(int output, float[] row);

  /// Four bits: `w = (q - 8) s + z` in groups of 32 inputs.
  ///
  /// @param codes `[outputs, inputs / 2]`: two codes a byte, the even input in the low nibble
  /// @param scales `[outputs, inputs / 32]` float32
  /// @param zeros `[outputs, inputs / 32]` float32
  record Int4(int outputs, int inputs, Bytes codes, Bytes scales, Bytes zeros)
      implements LinearWeights {
    public Int4 {
      requireGroups(inputs);
      requireSize("codes", codes, (long) outputs * inputs / 2);
      requireSize("scales", scales, (long) outputs * inputs / GROUP * 4);
      requireSize("zeros", zeros, (long) outputs * inputs / GROUP * 4);
    }

    /// The code of `[output, input]`, 0..15.
    public int code(int output, int input) {
      int pair = codes.get(((long) output * inputs + input) / 2);
      return (input & 1) == 0 ? pair & 15 : (pair >> 4) & 15;
    }

    @Override
    public void row(int output, float[] row) {
      for (int i = 0; i < inputs; i++) {
        long group = ((long) output * inputs + i) / GROUP * 4;
        float scale = scales.getFloat(group);
        row[i] = Math.fma((float) code(output, i), scale, zeros.getFloat(group) - 8 * scale);
      }
    }

    @Override
    public long bytes() {
      return codes.size() + scales.size() + zeros.size();
    }
  }

  /// Eight bits: `w = q s` in groups of 32 inputs (GGUF's Q8_0).
  ///
  /// @param codes `[outputs, inputs]` signed bytes
  /// @param scales `[outputs, inputs / 32]` float32
  record Int8(int outputs, int inputs, Bytes codes, Bytes scales) implements LinearWeights {
    public Int8 {
      requireGroups(inputs);
      requireSize("codes", codes, (long) outputs * inputs);
      requireSize("scales", scales, (long) outputs * inputs / GROUP * 4);
    }

    @Override
    public void row(int output, float[] row) {
      for (int i = 0; i < inputs; i++) {
        long at = (long) output * inputs + i;
        row[i] = codes.get(at) * scales.getFloat(at / GROUP * 4);
      }
    }

    @Override
    public long bytes() {
      return codes.size() + scales.size();
    }
  }

  /// Not quantised.
  ///
  /// @param values `[outputs, inputs]` bfloat16
  record Bf16(int outputs, int inputs, Bytes values) implements LinearWeights {
    public Bf16 {
      requireSize("values", values, (long) outputs * inputs * 2);
    }

    @Override
    public void row(int output, float[] row) {
      for (int i = 0; i < inputs; i++) {
        row[i] = values.getBf16(((long) output * inputs + i) * 2);
      }
    }

    @Override
    public long bytes() {
      return values.size();
    }
  }

  private static void requireGroups(int inputs) {
    if (inputs <= 0 || inputs % GROUP != 0) {
      throw new IllegalArgumentException(inputs + " inputs do not fill groups of " + GROUP);
    }
  }

  private static void requireSize(String what, Bytes bytes, long size) {
    if (bytes.size() != size) {
      throw new IllegalArgumentException(
          what + " takes " + bytes.size() + " bytes, expected " + size);
    }
  }
}
