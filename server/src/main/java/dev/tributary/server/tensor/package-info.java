/// Memory, devices and kernels: everything that touches native code or the Vector API.
///
/// - [Bytes] is the only kind of memory the rest of the server sees: mapped or allocated, bounds
///   checked, freed when unreachable.
/// - [Ops] is what a transformer step needs of a device, a whole operation over all rows of the
///   step a call. `CpuOps` runs it on libtorch's GEMM and Vector API kernels with one team of
///   worker threads; `ReferenceOps` is the plain-Java twin that every kernel is tested against.
/// - [LinearWeights] are weights as files give them; [Linear] is what an [Ops] made of them.
///
/// - `CudaOps` runs it on a GPU: `CudaDriver` binds libcuda, `Nvrtc` compiles the kernels in the
///   resources, `CudaGemm` and `LibtorchCuda` add libtorch's GEMM for the wide path. No GPU was at
///   hand: the kernels are compiled for three architectures and their logic runs in an emulation of
///   driver and grid, in tests. What was not run at all says so.
///
/// A kernel's result for one row depends on that row alone: never on how many rows share the call,
/// on the row's place among them, or on the number of workers. Sums run in one fixed order.
@NullMarked
package dev.tributary.server.tensor;

import org.jspecify.annotations.NullMarked;
