package dev.tributary.server.metrics;

/// An adapter's version. The digest tells a name that was deleted and given again from the first.
public record VersionKey(String tenant, String name, int number, String digest) {
  /// `tenant/name`, the adapter's label.
  String adapter() {
    return tenant + "/" + name;
  }
}
