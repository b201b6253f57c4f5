package dev.tributary.server.adapter;

/// Where a version's weights are. The kernels of the CPU read adapters in host memory, so there
/// `DEVICE` is that memory and no tier lies between it and the disk; a GPU has its own.
public enum Tier {
  /// In the memory that the kernels read from.
  DEVICE,
  /// In the host's memory, from which the next step that uses them brings them to the device.
  HOST,
  /// In its folder.
  DISK
}
