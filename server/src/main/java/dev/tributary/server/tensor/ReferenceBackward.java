package dev.tributary.server.tensor;
/// [BackwardOps] in plain Java.
abstract non-sealed class ReferenceBackward implements BackwardOps {}
