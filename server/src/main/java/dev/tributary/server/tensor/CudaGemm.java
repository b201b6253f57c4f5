package dev.tributary.server.tensor;

/// libtorch's bfloat16 GEMM on the device: the wide path's product.
///
/// Every call is of whole tiles of [#TILE] rows; of how many is decided by [CudaWide], so that a
/// row's bits do not depend on how many rows there are.
final class CudaGemm implements CudaWide.Gemm {
  /// Rows that those of a call are a multiple of.
  static final int TILE = 64;

  private final Libtorch libtorch;
  private final int device;
  private final Runnable ready;

  /// @param device libtorch's number of the kind of device that holds the memory
  /// @param ready makes what kernels wrote visible to libtorch; nothing where libtorch computes in
  ///   the kernels' own stream
  CudaGemm(Libtorch libtorch, int device, Runnable ready) {
    this.libtorch = libtorch;
    this.device = device;
    this.ready = ready;
  }

  @Override
  public void multiply(
      DeviceMemory out,
      DeviceMemory x,
      DeviceMemory w,
      int tiles,
      int most,
      int outputs,
      int inputs) {
    ready.run();
    long[] transposed = {inputs, outputs};
    long weights = tensor(w.address(), transposed, new long[] {1, inputs});
    for (int tile = 0; tile < tiles; tile += most) {
      long rows = (long) TILE * Math.min(most, tiles - tile);
      long row = 2L * TILE * tile;
      long in = tensor(x.address() + row * inputs, new long[] {rows, inputs});
      long result = tensor(out.address() + row * outputs, new long[] {rows, outputs});
      libtorch.matmul(result, in, weights);
      libtorch.delete(result);
      libtorch.delete(in);
    }
    libtorch.delete(weights);
  }

  private long tensor(long address, long[] sizes) {
    return tensor(address, sizes, new long[] {sizes[1], 1});
  }

  private long tensor(long address, long[] sizes, long[] strides) {
    return libtorch.bf16(address, sizes, strides, device);
  }
}
