package dev.tributary.server.metrics;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/// The adapters of the calls that run, and of those that wait for their weights or for a row.
/// Thread safe.
final class AdaptersInUse {
  /// @param changed when any of this last changed, in seconds since 1970
  record Now(List<String> running, List<String> waiting, double changed) {}

  /// Names of adapters, and how many calls use each.
  private final Map<String, Integer> running = new TreeMap<>();

  private final Map<String, Integer> waiting = new TreeMap<>();
  private final LongSupplier millis;
  private long changed;

  /// @param millis since 1970
  AdaptersInUse(LongSupplier millis) {
    this.millis = millis;
    changed = millis.getAsLong();
  }

  synchronized void waits(List<String> adapters) {
    change(waiting, adapters, 1);
  }

  /// What waited runs.
  synchronized void runs(List<String> adapters) {
    change(waiting, adapters, -1);
    change(running, adapters, 1);
  }

  synchronized void stopsWaiting(List<String> adapters) {
    change(waiting, adapters, -1);
  }

  synchronized void stopsRunning(List<String> adapters) {
    change(running, adapters, -1);
  }

  /// @param most names in either list
  synchronized Now now(int most) {
    return new Now(first(running, most), first(waiting, most), changed / 1e3);
  }

  private void change(Map<String, Integer> uses, List<String> adapters, int by) {
    for (String adapter : adapters) {
      uses.merge(adapter, by, (old, more) -> old + more == 0 ? null : old + more);
      changed = millis.getAsLong();
    }
  }

  private static List<String> first(Map<String, Integer> uses, int most) {
    return uses.keySet().stream().limit(most).toList();
  }
}
