package dev.tributary.server.schedule;

import java.util.HashMap;
import java.util.Map;

/// Places that tenants share, of which none can take all: a tenant gets one more while it has less
/// than seven times as many as are free. Alone it comes to seven eighths, the next one to seven
/// eighths of the rest, and so on; while they press, what becomes free goes to those who have less.
///
/// The rule is the dynamic threshold of Choudhury and Hahne, "Dynamic Queue Length Thresholds for
/// Shared-Memory Packet Switches" (IEEE/ACM Transactions on Networking, 1998). Not thread safe.
public final class SharedPlaces {
  private static final int FACTOR = 7;

  private final int total;
  private final Map<String, Integer> taken = new HashMap<>();
  private int sum;

  /// @param total places, at least 1
  public SharedPlaces(int total) {
    if (total < 1) {
      throw new IllegalArgumentException(total + " places");
    }
    this.total = total;
  }

  /// Takes a place. False if there is none, or none for this tenant.
  public boolean take(String tenant) {
    if (taken.getOrDefault(tenant, 0) >= (long) FACTOR * (total - sum)) {
      return false;
    }
    taken.merge(tenant, 1, Integer::sum);
    sum++;
    return true;
  }

  /// Gives a place back.
  public void free(String tenant) {
    if (taken.getOrDefault(tenant, 0) == 0) {
      throw new IllegalStateException(tenant + " has no place");
    }
    taken.computeIfPresent(tenant, (name, count) -> count == 1 ? null : count - 1);
    sum--;
  }

  /// Places taken.
  public int taken() {
    return sum;
  }

  /// Whether no place is left for anybody.
  public boolean isFull() {
    return sum == total;
  }
}
