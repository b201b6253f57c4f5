package dev.tributary.server.tensor;

/// Weights in the device's memory, row by row as files give them.
///
/// A four-bit group's scale `s` and offset `b = z - 8 s` (`w = q s + b`) stand together: as float16
/// where all of the layer are exactly that (GGUF's Q4_0 and Q4_1), else as float32. Nothing is
/// rounded.
///
/// @param codes codes, or bfloat16 values
/// @param parameters scales and offsets of the groups; nothing for bfloat16
record CudaLinear(
    CudaDriver driver,
    Form held,
    int outputs,
    int inputs,
    DeviceMemory codes,
    DeviceMemory parameters)
    implements Linear {
  private static final int GROUP = LinearWeights.GROUP;

  /// In the order of `multiply` in `products.cu`.
  enum Form {
    INT4_HALVES,
    INT4_FLOATS,
    INT8,
    BF16
  }

  static CudaLinear of(CudaDriver driver, LinearWeights weights) {
    return switch (weights) {
      case LinearWeights.Int4 int4 -> int4(driver, int4);
      case LinearWeights.Int8 int8 ->
          new CudaLinear(
              driver,
              Form.INT8,
              int8.outputs(),
              int8.inputs(),
              send(driver, int8.codes()),
              send(driver, int8.scales()));
      case LinearWeights.Bf16 bf16 ->
          new CudaLinear(
              driver,
              Form.BF16,
              bf16.outputs(),
              bf16.inputs(),
              send(driver, bf16.values()),
              driver.allocate(0));
    };
  }

  private static CudaLinear int4(CudaDriver driver, LinearWeights.Int4 weights) {
    int groups = Math.toIntExact(weights.scales().size() / Float.BYTES);
    Bytes halves = Bytes.allocate(2L * Short.BYTES * groups);
    Bytes floats = Bytes.allocate(2L * Float.BYTES * groups);
    boolean exact = true;
    for (int g = 0; g < groups; g++) {
      float scale = weights.scales().getFloat(4L * g);
      float offset = weights.zeros().getFloat(4L * g) - 8 * scale;
      short scale16 = Float.floatToFloat16(scale);
      short offset16 = Float.floatToFloat16(offset);
      exact &= Float.float16ToFloat(scale16) == scale && Float.float16ToFloat(offset16) == offset;
      halves.putShort(4L * g, scale16);
      halves.putShort(4L * g + 2, offset16);
      floats.putFloat(8L * g, scale);
      floats.putFloat(8L * g + 4, offset);
    }
    return new CudaLinear(
        driver,
        exact ? Form.INT4_HALVES : Form.INT4_FLOATS,
        weights.outputs(),
        weights.inputs(),
        send(driver, weights.codes()),
        send(driver, exact ? halves : floats));
  }

  private static DeviceMemory send(CudaDriver driver, Bytes bytes) {
    DeviceMemory memory = driver.allocate(bytes.size());
    driver.write(bytes.segment(), memory.address());
    return memory;
  }

  boolean fourBits() {
    return held == Form.INT4_HALVES || held == Form.INT4_FLOATS;
  }

  @Override
  public String form() {
    return switch (held) {
      case INT4_HALVES, INT4_FLOATS -> "int4";
      case INT8 -> "int8";
      case BF16 -> "bf16";
    };
  }

  @Override
  public long bytes() {
    return codes.size() + parameters.size();
  }

  @Override
  public void close() {
    codes.free();
    parameters.free();
  }

  @Override
  public void row(int output, float[] row) {
    driver.claimThread();
    Bytes own = rowOf(codes, output);
    Bytes groups = rowOf(parameters, output);
    switch (held) {
      case INT8 -> new LinearWeights.Int8(1, inputs, own, groups).row(0, row);
      case BF16 -> new LinearWeights.Bf16(1, inputs, own).row(0, row);
      case INT4_HALVES, INT4_FLOATS -> {
        for (int k = 0; k < inputs; k++) {
          int code = (own.get(k / 2) >> (k % 2 * 4)) & 15;
          long group = 2L * (k / GROUP);
          row[k] = Math.fma((float) code, parameter(groups, group), parameter(groups, group + 1));
        }
      }
    }
  }

  private float parameter(Bytes groups, long index) {
    return held == Form.INT4_HALVES
        ? Floats.fromF16(groups.getShort(2 * index))
        : groups.getFloat(4 * index);
  }

  /// A row's share of `all`, read back.
  private Bytes rowOf(DeviceMemory all, int output) {
    long size = all.size() / outputs;
    Bytes row = Bytes.allocate(size);
    driver.read(all.address() + output * size, row.segment());
    return row;
  }
}
