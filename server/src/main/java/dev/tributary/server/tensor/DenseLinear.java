package dev.tributary.server.tensor;

/// bfloat16 weights that our own kernels and libtorch's GEMM read as they are.
record DenseLinear(LinearWeights.Bf16 weights) implements Linear {
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
    return "bf16";
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
