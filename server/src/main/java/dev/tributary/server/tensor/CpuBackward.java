package dev.tributary.server.tensor;
/// [BackwardOps] on the CPU.
abstract non-sealed class CpuBackward implements BackwardOps {}
