package dev.tributary.server.tensor;

/// Weights that our own kernels (and, for bfloat16, libtorch's GEMM) read as they are.
record DenseLinear(LinearWeights weights) implements Linear {
  DenseLinear {
    if (weights instanceof LinearWeights.Int4) {
      throw new IllegalArgumentException("int4 weights are packed");
    }
  }

  @Override
  public int outputs() {
    return weights.outputs();
  }

  @Override
  public int inputs() {
    return weights.inputs();
  }

  @Override
  public String form() {
    return weights instanceof LinearWeights.Int8 ? "int8" : "bf16";
  }

  @Override
  public long bytes() {
    return weights.bytes();
  }

  @Override
  public void row(int output, float[] row) {
    weights.row(output, row);
  }
}
