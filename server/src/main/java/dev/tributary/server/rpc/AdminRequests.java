package dev.tributary.server.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.state.KeySpec;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.TenantRecord;
import dev.tributary.v1.Key;
import dev.tributary.v1.Quota;
import dev.tributary.v1.Tenant;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads what the Admin service is asked: what is out of range is INVALID_ARGUMENT with its path.
final class AdminRequests {
  private static final int MAX_NAME = 200;
  private static final Pattern TENANT = Pattern.compile("[a-z][a-z0-9-]{0,62}");

  /// 9999-12-31, the last day that the contract's timestamps have.
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

  private AdminRequests() {}

  /// A tenant to be made.
  static Tenant newTenant(Tenant tenant) {
    checkTenant(tenant.getName(), "tenant.name");
    checkText(tenant.getDisplayName(), "tenant.display_name");
    checkUnset(tenant.hasCreateTime(), "tenant.create_time");
    checkUnset(!tenant.getEtag().isEmpty(), "tenant.etag");
    checkQuota(tenant.getQuota());
    checkRetention(tenant);
    return tenant;
  }

  /// `stored` with the fields that `mask` names as `asked` has them.
  static Tenant updated(Tenant stored, Tenant asked, FieldMask mask) {
    Tenant.Builder updated = stored.toBuilder();
    for (String path : mask.getPathsList()) {
      switch (path) {
        case "display_name" -> updated.setDisplayName(asked.getDisplayName());
        case "quota" -> updated.setQuota(asked.getQuota());
        case "retention" -> {
          updated.clearRetention();
          if (asked.hasRetention()) {
            updated.setRetention(asked.getRetention());
          }
        }
        default -> copy(quotaField(path), asked.getQuota(), updated.getQuotaBuilder());
      }
    }
    checkText(updated.getDisplayName(), "tenant.display_name");
    checkQuota(updated.getQuota());
    checkRetention(updated.build());
    return updated.build();
  }

  static void checkMask(FieldMask mask) {
    if (mask.getPathsCount() == 0) {
      throw Statuses.invalid("update_mask", "is empty, must name what to change");
    }
    for (String path : mask.getPathsList()) {
      if (!List.of("display_name", "quota", "retention").contains(path)) {
        FieldDescriptor unused = quotaField(path);
      }
    }
  }

  private static FieldDescriptor quotaField(String path) {
    FieldDescriptor field =
        path.startsWith("quota.")
            ? Quota.getDescriptor().findFieldByName(path.substring("quota.".length()))
            : null;
    if (field == null) {
      throw Statuses.invalid(
          "update_mask",
          "has \"" + path + "\", must be of display_name, retention, quota and its fields");
    }
    return field;
  }

  private static void copy(FieldDescriptor field, Quota from, Quota.Builder to) {
    if (from.hasField(field)) {
      to.setField(field, from.getField(field));
    } else {
      to.clearField(field);
    }
  }

  /// A key to be made.
  static KeySpec newKey(Key key, Instant now) {
    checkTenant(key.getTenant(), "key.tenant");
    checkText(key.getDisplayName(), "key.display_name");
    checkText(key.getContributor(), "key.contributor");
    checkUnset(!key.getKeyId().isEmpty(), "key.key_id");
    checkUnset(key.hasCreateTime(), "key.create_time");
    checkUnset(key.hasLastUseTime(), "key.last_use_time");
    Role role = role(key.getRole());
    if (role == Role.CONTRIBUTOR == key.getContributor().isEmpty()) {
      throw Statuses.invalid(
          "key.contributor",
          role == Role.CONTRIBUTOR
              ? "is missing: whose statements may it read?"
              : "is only for role CONTRIBUTOR");
    }
    Instant expires = key.hasExpireTime() ? future(key.getExpireTime(), now) : null;
    return new KeySpec(key.getTenant(), role, key.getContributor(), key.getDisplayName(), expires);
  }

  private static Role role(dev.tributary.v1.Role role) {
    return switch (role) {
      case ROLE_USER -> Role.USER;
      case ROLE_OWNER -> Role.OWNER;
      case ROLE_CONTRIBUTOR -> Role.CONTRIBUTOR;
      case ROLE_AUDITOR -> Role.AUDITOR;
      case ROLE_ADMIN -> Role.ADMIN;
      case ROLE_UNSPECIFIED, UNRECOGNIZED -> throw Statuses.invalid("key.role", "is missing");
    };
  }

  private static Instant future(Timestamp time, Instant now) {
    Instant instant;
    try {
      instant = Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    } catch (DateTimeException | ArithmeticException e) {
      throw Statuses.invalid("key.expire_time", "is no time");
    }
    if (!instant.isAfter(now) || instant.isAfter(LAST)) {
      throw Statuses.invalid("key.expire_time", "is " + instant + ", must be after now");
    }
    return instant;
  }

  static void checkTenant(String name, String field) {
    if (!TENANT.matcher(name).matches()) {
      throw Statuses.invalid(field, "is \"" + name + "\", must be of form " + TENANT);
    }
  }

  private static void checkText(String text, String field) {
    if (text.length() > MAX_NAME) {
      throw Statuses.invalid(
          field, "has " + text.length() + " characters, must have at most " + MAX_NAME);
    }
  }

  private static void checkUnset(boolean set, String field) {
    if (set) {
      throw Statuses.invalid(field, "is set by the server");
    }
  }

  private static void checkRetention(Tenant tenant) {
    Duration retention = tenant.getRetention();
    long least = TenantRecord.LEAST_RETENTION.toSeconds();
    long most = TenantRecord.MOST_RETENTION.toSeconds();
    if (tenant.hasRetention()
        && (retention.getSeconds() < least
            || retention.getSeconds() > most
            || retention.getNanos() != 0)) {
      throw Statuses.invalid(
          "tenant.retention",
          "is %d s and %d ns, must be whole seconds, between %d and %d"
              .formatted(retention.getSeconds(), retention.getNanos(), least, most));
    }
  }

  /// The state's form of a checked retention; null: answers are kept.
  static java.time.@Nullable Duration retention(Tenant tenant) {
    return tenant.hasRetention()
        ? java.time.Duration.ofSeconds(tenant.getRetention().getSeconds())
        : null;
  }

  private static void checkQuota(Quota quota) {
    quota
        .getAllFields()
        .forEach(
            (field, value) -> {
              boolean weight = field.getNumber() == Quota.WEIGHT_FIELD_NUMBER;
              long least = weight ? 1 : 0;
              long most = weight ? Request.MAX_WEIGHT : Long.MAX_VALUE;
              long given = ((Number) value).longValue();
              if (given < least || given > most) {
                throw Statuses.invalid(
                    "tenant.quota." + field.getName(),
                    "is "
                        + given
                        + (weight ? ", must be between 1 and " + most : ", must not be negative"));
              }
            });
  }

  /// The state's form of a quota.
  static dev.tributary.server.state.Quota quota(Quota quota) {
    return new dev.tributary.server.state.Quota(
        quota.hasRequestsPerMinute() ? quota.getRequestsPerMinute() : null,
        quota.hasTokensPerMinute() ? quota.getTokensPerMinute() : null,
        quota.hasConcurrentRequests() ? quota.getConcurrentRequests() : null,
        quota.hasQueuedRequests() ? quota.getQueuedRequests() : null,
        quota.hasAdapters() ? quota.getAdapters() : null,
        quota.hasAdapterBytes() ? quota.getAdapterBytes() : null,
        quota.hasReplaysPerHour() ? quota.getReplaysPerHour() : null,
        quota.hasWeight() ? quota.getWeight() : null,
        quota.hasResidentBytes() ? quota.getResidentBytes() : null);
  }
}
