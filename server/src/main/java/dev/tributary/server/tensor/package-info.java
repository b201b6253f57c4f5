/// Memory, devices and kernels: everything that touches native code or the Vector API.
///
/// - [Bytes] is the only kind of memory the rest of the server sees: mapped or allocated, bounds
///   checked, freed when unreachable.
/// - [Ops] is what a transformer step needs of a device, a whole operation over all rows of the
///   step a call. `CpuOps` runs it on Vector API kernels, and on libtorch's bfloat16 products for
///   the wide path, with one team of worker threads; `ReferenceOps` is the plain-Java twin that
///   every kernel is tested against.
/// - [BackwardOps] is what training needs besides: the same operations backward, over frozen base
///   weights, and the optimiser's sweeps. Float32 products of theirs are `FloatProduct`'s; `dx = dy
///   W` takes the wide path (`WideBackward`) where there is one.
/// - [LinearWeights] are weights as files give them; [Linear] is what an [Ops] made of them.
/// - [RowProduct] multiplies by weights that are not resident, at a file's own precision.
/// - `CudaOps` runs it on a GPU: `CudaDriver` binds libcuda, `Nvrtc` compiles the kernels in the
///   resources, `CudaStep` launches what a step needs, as a CUDA graph where the same was launched
///   before (`CudaGraphs`), `CudaWide` is the wide path over libtorch's GEMM (`CudaGemm`,
///   `LibtorchCuda`). No GPU was at hand: the kernels are compiled for three architectures and
///   their logic runs in an emulation of driver and grid, in tests. What was not run at all says
///   so.
///
/// Only products with four-bit weights, and the head's with eight-bit ones, depend on the path
/// ([dev.tributary.identity.ComputePath]). Narrow is exact in float32 (`NarrowKernel`). Wide
/// (`WideKernel`) rounds weights and inputs to bfloat16, the down projection's inputs in two parts:
/// with one, the top token that leads by 0.25 nat or more was lost in two of ten golden sets.
/// oneDNN's microkernel is called by the C++ name that libtorch exports it under, which is no
/// stable ABI: a library without it has no wide path.
///
/// A kernel's result for one row depends on that row and its path alone: never on how many rows
/// share the call, on the row's place among them, or on the number of workers. Sums run in one
/// fixed order; of libtorch's product that is checked at load, for every shape of the model.
@NullMarked
package dev.tributary.server.tensor;

import org.jspecify.annotations.NullMarked;
