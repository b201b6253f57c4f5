package dev.tributary.server.state;

import java.util.Comparator;

/// An adapter of a tenant.
///
/// @param tenant `[a-z][a-z0-9-]{0,62}`
/// @param name `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`
public record AdapterName(String tenant, String name) implements Comparable<AdapterName> {
  private static final Comparator<AdapterName> ORDER =
      Comparator.comparing(AdapterName::tenant).thenComparing(AdapterName::name);

  public AdapterName {
    Checks.tenant(tenant);
    Checks.adapter(name);
  }

  /// The order of lists: by tenant, then by name, both by their characters' codes.
  @Override
  public int compareTo(AdapterName other) {
    return ORDER.compare(this, other);
  }

  /// `tenant/name`.
  @Override
  public String toString() {
    return tenant + "/" + name;
  }
}
