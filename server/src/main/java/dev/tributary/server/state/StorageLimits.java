package dev.tributary.server.state;

import org.jspecify.annotations.Nullable;

/// What a tenant may keep: its quota, or the server's limit where that is lower.
///
/// @param adapters null: any number
/// @param bytes of all versions in the store; null: any number
public record StorageLimits(@Nullable Integer adapters, @Nullable Long bytes) {
  public static final StorageLimits NONE = new StorageLimits(null, null);

  public static StorageLimits of(Quota quota) {
    return new StorageLimits(quota.adapters(), quota.adapterBytes());
  }

  /// @param used with the one more
  void checkAdapters(long used) {
    if (adapters != null && used > adapters) {
      throw new StateException(new StateException.OverQuota("adapters", adapters, used - 1));
    }
  }

  /// A version that adds nothing to what is stored is never over the limit.
  void checkBytes(long before, long after) {
    if (bytes != null && after > bytes && after > before) {
      throw new StateException(new StateException.OverQuota("adapter_bytes", bytes, before));
    }
  }
}
