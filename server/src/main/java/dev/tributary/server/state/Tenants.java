package dev.tributary.server.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The tenants. [#PUBLIC] always exists.
public final class Tenants {
  /// The tenant whose adapters all can read.
  public static final String PUBLIC = "public";

  static final String KIND = "tenant";

  private final Database database;
  private final InstantSource time;
  private final Recent<String, TenantRecord> recent = new Recent<>();

  Tenants(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
    database.change(
        session ->
            session.run(
                "INSERT INTO tenants (name, display_name, created, etag) VALUES (?, '', ?, ?)"
                    + " ON CONFLICT DO NOTHING",
                PUBLIC,
                time.instant(),
                Nonces.etag()));
  }

  /// A tenant whose answers are kept.
  public TenantRecord create(String name, String displayName, Quota quota) {
    return create(name, displayName, quota, null);
  }

  /// @param retention null: answers are kept
  public TenantRecord create(
      String name, String displayName, Quota quota, @Nullable Duration retention) {
    TenantRecord tenant =
        new TenantRecord(name, displayName, quota, retention, State.now(time), Nonces.etag());
    return write(
        session -> {
          if (find(session, name).isPresent()) {
            throw new StateException(new StateException.AlreadyExists(KIND, name));
          }
          if (session.number("SELECT count(*) FROM former_tenants WHERE name = ?", name) > 0) {
            throw new StateException(new StateException.WasThere(KIND, name));
          }
          session.run(
              "INSERT INTO tenants (name, created, display_name, etag) VALUES (?, ?, '', '')",
              name,
              tenant.created());
          store(session, tenant);
          return tenant;
        });
  }

  public Optional<TenantRecord> get(String name) {
    return recent.get(name, () -> database.read(session -> find(session, name)));
  }

  /// By name.
  ///
  /// @param after name of the last one of the page before; empty for the first page
  /// @param limit in [1, 10,000]
  public List<TenantRecord> list(String after, int limit) {
    Checks.page(limit);
    return database.read(
        session ->
            session.all(
                "SELECT * FROM tenants WHERE name > ? ORDER BY name LIMIT ?",
                Tenants::tenant,
                after,
                limit));
  }

  /// Changes display name, quota or retention.
  ///
  /// @param etag that the stored tenant must have; null: any
  /// @param change of display name, quota and retention; it must keep the rest
  public TenantRecord update(
      String name, @Nullable String etag, UnaryOperator<TenantRecord> change) {
    return write(
        session -> {
          TenantRecord before = require(session, name);
          Checks.etag(KIND, name, etag, before.etag());
          TenantRecord after = change.apply(before);
          if (!before.equals(
              after
                  .withDisplayName(before.displayName())
                  .withQuota(before.quota())
                  .withRetention(before.retention()))) {
            throw new IllegalArgumentException(
                "only display name, quota and retention can be changed");
          }
          TenantRecord stored = after.withEtag(Nonces.etag());
          store(session, stored);
          return stored;
        });
  }

  /// Deletes a tenant that has neither adapters nor keys, with its uploads. Its name is not given
  /// again: the ledger knows its answers by it.
  ///
  /// @param etag that the stored tenant must have; null: any
  public void delete(String name, @Nullable String etag) {
    write(
        session -> {
          TenantRecord tenant = require(session, name);
          Checks.etag(KIND, name, etag, tenant.etag());
          if (name.equals(PUBLIC)) {
            throw new StateException(new StateException.InUse(KIND, name, "everybody"));
          }
          long adapters = session.number("SELECT count(*) FROM adapters WHERE tenant = ?", name);
          long keys = session.number("SELECT count(*) FROM keys WHERE tenant = ?", name);
          if (adapters + keys > 0) {
            throw new StateException(
                new StateException.InUse(KIND, name, adapters + " adapters and " + keys + " keys"));
          }
          session.run("DELETE FROM requests WHERE tenant = ?", name);
          session.run("DELETE FROM tenants WHERE name = ?", name);
          session.run("INSERT INTO former_tenants (name) VALUES (?)", name);
          return tenant;
        });
  }

  private TenantRecord write(Database.Work<TenantRecord> work) {
    TenantRecord result = database.write(work);
    recent.changed();
    return result;
  }

  static TenantRecord require(Session session, String name) throws SQLException {
    return find(session, name)
        .orElseThrow(() -> new StateException(new StateException.NotFound(KIND, name)));
  }

  private static Optional<TenantRecord> find(Session session, String name) throws SQLException {
    return session.one("SELECT * FROM tenants WHERE name = ?", Tenants::tenant, name);
  }

  private static void store(Session session, TenantRecord tenant) throws SQLException {
    Quota quota = tenant.quota();
    session.run(
        """
        UPDATE tenants SET display_name = ?, requests_per_minute = ?, tokens_per_minute = ?,
          concurrent_requests = ?, queued_requests = ?, adapters = ?, adapter_bytes = ?,
          replays_per_hour = ?, weight = ?, resident_bytes = ?, retention_seconds = ?, etag = ?
        WHERE name = ?""",
        tenant.displayName(),
        quota.requestsPerMinute(),
        quota.tokensPerMinute(),
        quota.concurrentRequests(),
        quota.queuedRequests(),
        quota.adapters(),
        quota.adapterBytes(),
        quota.replaysPerHour(),
        quota.weight(),
        quota.residentBytes(),
        tenant.retention() == null ? null : tenant.retention().toSeconds(),
        tenant.etag(),
        tenant.name());
  }

  private static TenantRecord tenant(ResultSet row) throws SQLException {
    Instant created = Session.instant(row, "created");
    Long retention = Session.optionalLong(row, "retention_seconds");
    Quota quota =
        new Quota(
            Session.optionalLong(row, "requests_per_minute"),
            Session.optionalLong(row, "tokens_per_minute"),
            Session.optionalInt(row, "concurrent_requests"),
            Session.optionalInt(row, "queued_requests"),
            Session.optionalInt(row, "adapters"),
            Session.optionalLong(row, "adapter_bytes"),
            Session.optionalLong(row, "replays_per_hour"),
            Session.optionalInt(row, "weight"),
            Session.optionalLong(row, "resident_bytes"));
    return new TenantRecord(
        row.getString("name"),
        row.getString("display_name"),
        quota,
        retention == null ? null : Duration.ofSeconds(retention),
        created,
        row.getString("etag"));
  }
}
