/// Memory, devices and kernels: everything that touches native code or the Vector API.
///
/// - [Bytes] is the only kind of memory the rest of the server sees: mapped or allocated, bounds
///   checked, freed when unreachable.
/// - [Ops] is what a transformer step needs of a device, a whole operation over all rows of the
///   step a call. `CpuOps` runs it on libtorch's GEMM and Vector API kernels with one team of
///   worker threads; `ReferenceOps` is the plain-Java twin that every kernel is tested against.
/// - [LinearWeights] are weights as files give them; [Linear] is what an [Ops] made of them.
///
/// A kernel's result for one row depends on that row alone: never on how many rows share the call,
/// on the row's place among them, or on the number of workers. Sums run in one fixed order.
@NullMarked
package dev.tributary.server.tensor;

import org.jspecify.annotations.NullMarked;
