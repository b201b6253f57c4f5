package dev.tributary.server.adapter;

/// Where a version's weights are. The kernels of the CPU read adapters in host memory, so there
/// `DEVICE` is that memory and no tier lies between it and the disk.
public enum Tier {
  /// In the memory that the kernels read from.
  DEVICE,
  /// In its folder.
  DISK
}
