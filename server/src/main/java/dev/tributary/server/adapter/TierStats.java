package dev.tributary.server.adapter;

/// What lies in memory at one moment. A version on the device counts there alone.
///
/// @param device versions in tier [Tier#DEVICE]
/// @param deviceBytes of their weights
/// @param host versions in tier [Tier#HOST]
/// @param hostBytes of their weights
/// @param leases open on all of them
/// @param loads since the start
public record TierStats(
    int device, long deviceBytes, int host, long hostBytes, int leases, long loads) {
  /// Versions in memory.
  public int adapters() {
    return device + host;
  }

  /// Bytes of the weights in memory.
  public long bytes() {
    return deviceBytes + hostBytes;
  }
}
