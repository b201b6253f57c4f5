package dev.tributary.server.metrics;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Which tenants and adapters have time series of their own: the first that are used, up to a
/// bound. All others share those labelled [#OTHER]. Thread safe.
///
/// There are never more than `maxPairs + maxTenants + 1` different pairs.
final class Labels {
  static final String OTHER = "other";

  /// The adapter's label of answers without one. Adapters' own labels have a slash.
  static final String BASE = "base";

  static final int MAX_PAIRS = 128;
  static final int MAX_TENANTS = 32;

  /// So that one tenant with many adapters does not take every series.
  static final int MAX_PAIRS_OF_TENANT = 64;

  record Pair(String tenant, String adapter) {}

  private final int maxPairs;
  private final int maxTenants;
  private final int maxOfTenant;
  private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();

  /// How many pairs each tenant that has a label has.
  private final Map<String, Integer> tenants = new HashMap<>();

  Labels() {
    this(MAX_PAIRS, MAX_TENANTS, MAX_PAIRS_OF_TENANT);
  }

  Labels(int maxPairs, int maxTenants, int maxOfTenant) {
    this.maxPairs = maxPairs;
    this.maxTenants = maxTenants;
    this.maxOfTenant = maxOfTenant;
  }

  /// The labels under which this tenant's use of this adapter counts.
  Pair of(String tenant, String adapter) {
    Pair asked = new Pair(tenant, adapter);
    return pairs.contains(asked) ? asked : admit(asked);
  }

  private synchronized Pair admit(Pair asked) {
    if (pairs.contains(asked)) {
      return asked;
    }
    if (!tenants.containsKey(asked.tenant())) {
      if (tenants.size() == maxTenants) {
        return new Pair(OTHER, OTHER);
      }
      tenants.put(asked.tenant(), 0);
    }
    int own = tenants.get(asked.tenant());
    if (own == maxOfTenant || pairs.size() == maxPairs) {
      return new Pair(asked.tenant(), OTHER);
    }
    tenants.put(asked.tenant(), own + 1);
    pairs.add(asked);
    return asked;
  }
}
