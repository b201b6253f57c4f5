package dev.tributary.server.model;

import dev.tributary.server.tensor.Rotary;

/// How rotary frequencies are stretched beyond the trained context.
///
/// @param base theta of RoPE
/// @param kind the stretch
public record RotaryScaling(double base, Kind kind) {

  /// The known stretches; any other is refused by name when a model is read.
  public sealed interface Kind {}

  /// As trained.
  public record Plain() implements Kind {}

  /// Position interpolation (Chen et al. 2023): every frequency divided by `factor`.
  public record Linear(double factor) implements Kind {}

  /// Llama 3.1's: wavelengths above `original / low` are divided by `factor`, those below `original
  /// / high` stay, between them the two are blended.
  public record Llama3(double factor, double low, double high, int original) implements Kind {}

  /// YaRN (Peng et al. 2023, section 3.2 and 3.4).
  ///
  /// @param magnitude factor on sine and cosine
  /// @param truncate whether the ramp's ends are rounded to whole dimensions
  public record Yarn(
      double factor,
      int original,
      double betaFast,
      double betaSlow,
      double magnitude,
      boolean truncate)
      implements Kind {}

  /// Frequencies given one by one as divisors (GGUF's `rope_freqs.weight`).
  public record Divisors(float[] divisors) implements Kind {}

  /// The rotation of heads of `dims` dimensions over `context` positions.
  public Rotary rotary(int dims, int context) {
    double[] plain = new double[dims / 2];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = 1 / StrictMath.pow(base, 2.0 * i / dims);
    }
    return switch (kind) {
      case Plain() -> new Rotary(plain, 1, context);
      case Linear(double factor) -> {
        for (int i = 0; i < plain.length; i++) {
          plain[i] /= factor;
        }
        yield new Rotary(plain, 1, context);
      }
      case Divisors(float[] divisors) -> {
        for (int i = 0; i < plain.length; i++) {
          plain[i] /= divisors[i];
        }
        yield new Rotary(plain, 1, context);
      }
      case Llama3 llama3 -> new Rotary(stretch(plain, llama3), 1, context);
      case Yarn yarn -> new Rotary(stretch(plain, yarn), (float) yarn.magnitude(), context);
    };
  }

  private static double[] stretch(double[] plain, Llama3 kind) {
    double[] result = plain.clone();
    for (int i = 0; i < plain.length; i++) {
      double wavelength = 2 * Math.PI / plain[i];
      double smooth = (kind.original / wavelength - kind.low) / (kind.high - kind.low);
      if (wavelength > kind.original / kind.low) {
        result[i] = plain[i] / kind.factor;
      } else if (wavelength >= kind.original / kind.high) {
        result[i] = (1 - smooth) * plain[i] / kind.factor + smooth * plain[i];
      }
    }
    return result;
  }

  private double[] stretch(double[] plain, Yarn kind) {
    int dims = 2 * plain.length;
    double low = correctionDim(kind.betaFast, dims, kind.original);
    double high = correctionDim(kind.betaSlow, dims, kind.original);
    if (kind.truncate) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, dims - 1);
    if (high == low) {
      high += 0.001;
    }
    double[] result = new double[plain.length];
    for (int i = 0; i < plain.length; i++) {
      double interpolated = Math.clamp((i - low) / (high - low), 0, 1);
      result[i] = plain[i] / kind.factor * interpolated + plain[i] * (1 - interpolated);
    }
    return result;
  }

  /// The dimension whose wavelength turns `rotations` times within `original` positions.
  private double correctionDim(double rotations, int dims, int original) {
    return dims * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
  }
}
