package dev.tributary.server.state;

import java.time.Instant;

/// A namespace of adapters with its own keys and quota.
///
/// @param name `[a-z][a-z0-9-]{0,62}`
/// @param displayName at most 200 characters
/// @param created to the millisecond
public record TenantRecord(
    String name, String displayName, Quota quota, Instant created, String etag) {
  public TenantRecord {
    Checks.tenant(name);
    Checks.text("display name", displayName, 200);
  }

  public TenantRecord withDisplayName(String changed) {
    return new TenantRecord(name, changed, quota, created, etag);
  }

  public TenantRecord withQuota(Quota changed) {
    return new TenantRecord(name, displayName, changed, created, etag);
  }

  TenantRecord withEtag(String changed) {
    return new TenantRecord(name, displayName, quota, created, changed);
  }
}
