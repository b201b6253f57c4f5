package dev.tributary.server.tensor;

/// libtorch's bfloat16 GEMM on the device: the wide path's product.
///
/// cuBLAS chooses its algorithm, and with it the order of its sums, by the shape of the whole
/// product. So every call is of [#TILE] rows, the last one filled up: then a row's bits do not
/// depend on how many there are.
final class CudaGemm {
  /// Rows a call.
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

  /// `out = x Wᵀ`, all bfloat16 on the device.
  ///
  /// @param out `[tiles * TILE, outputs]`
  /// @param x `[tiles * TILE, inputs]`
  /// @param w `[outputs, inputs]`
  void multiply(
      DeviceMemory out, DeviceMemory x, DeviceMemory w, int tiles, int outputs, int inputs) {
    ready.run();
    long[] transposed = {inputs, outputs};
    long weights = tensor(w.address(), transposed, new long[] {1, inputs});
    for (int tile = 0; tile < tiles; tile++) {
      long row = 2L * TILE * tile;
      long in = tensor(x.address() + row * inputs, new long[] {TILE, inputs});
      long result = tensor(out.address() + row * outputs, new long[] {TILE, outputs});
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
