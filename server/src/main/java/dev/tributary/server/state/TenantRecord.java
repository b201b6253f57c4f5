package dev.tributary.server.state;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A namespace of adapters with its own keys and quota.
///
/// @param name `[a-z][a-z0-9-]{0,62}`
/// @param displayName at most 200 characters
/// @param retention after which answers are erased, whole seconds, from [#LEAST_RETENTION] to
///   [#MOST_RETENTION]; null: they are kept
/// @param created to the millisecond
public record TenantRecord(
    String name,
    String displayName,
    Quota quota,
    @Nullable Duration retention,
    Instant created,
    String etag) {
  public static final Duration LEAST_RETENTION = Duration.ofHours(1);
  public static final Duration MOST_RETENTION = Duration.ofDays(36_500);

  public TenantRecord {
    Checks.tenant(name);
    Checks.text("display name", displayName, 200);
    if (retention != null) {
      Checks.range(
          "retention",
          retention.toSeconds(),
          LEAST_RETENTION.toSeconds(),
          MOST_RETENTION.toSeconds());
      Checks.range("nanoseconds of a retention", retention.getNano(), 0, 0);
    }
  }

  public TenantRecord withDisplayName(String changed) {
    return new TenantRecord(name, changed, quota, retention, created, etag);
  }

  public TenantRecord withQuota(Quota changed) {
    return new TenantRecord(name, displayName, changed, retention, created, etag);
  }

  public TenantRecord withRetention(@Nullable Duration changed) {
    return new TenantRecord(name, displayName, quota, changed, created, etag);
  }

  TenantRecord withEtag(String changed) {
    return new TenantRecord(name, displayName, quota, retention, created, changed);
  }
}
