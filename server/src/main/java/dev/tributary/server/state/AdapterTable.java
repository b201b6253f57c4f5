package dev.tributary.server.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// Rows of adapters.
final class AdapterTable {
  static final String KIND = "adapter";

  private static final String SELECT =
      """
      SELECT a.*, (SELECT count(*) FROM versions v WHERE v.tenant = a.tenant AND v.name = a.name)
        AS version_count
      FROM adapters a WHERE a.tenant = ?\s""";

  private AdapterTable() {}

  static StateException missing(AdapterName name) {
    return new StateException(new StateException.NotFound(KIND, name.toString()));
  }

  static Optional<AdapterRecord> find(Session session, AdapterName name) throws SQLException {
    return session.one(
        SELECT + "AND a.name = ?", AdapterTable::adapter, name.tenant(), name.name());
  }

  static AdapterRecord require(Session session, AdapterName name) throws SQLException {
    return find(session, name).orElseThrow(() -> missing(name));
  }

  /// @param after name of the last one of the page before; empty for the first page
  static List<AdapterRecord> page(Session session, String tenant, String after, int limit)
      throws SQLException {
    return session.all(
        SELECT + "AND a.name > ? ORDER BY a.name LIMIT ?",
        AdapterTable::adapter,
        tenant,
        after,
        limit);
  }

  /// Makes an adapter without versions, within the limits.
  static void create(Session session, AdapterName name, StorageLimits limits, Instant now)
      throws SQLException {
    Tenants.require(session, name.tenant());
    limits.checkAdapters(
        1 + session.number("SELECT count(*) FROM adapters WHERE tenant = ?", name.tenant()));
    session.run(
        """
        INSERT INTO adapters (tenant, name, description, labels, latest, created, updated, etag)
        VALUES (?, ?, '', '{}', 0, ?, ?, ?)""",
        name.tenant(),
        name.name(),
        now,
        now,
        Nonces.etag());
  }

  static void describe(Session session, AdapterRecord adapter) throws SQLException {
    session.run(
        "UPDATE adapters SET description = ?, labels = ? WHERE tenant = ? AND name = ?",
        adapter.description(),
        Json.write(adapter.labels()),
        adapter.name().tenant(),
        adapter.name().name());
  }

  static void setLatest(Session session, AdapterName name, int number) throws SQLException {
    session.run(
        "UPDATE adapters SET latest = ? WHERE tenant = ? AND name = ?",
        number,
        name.tenant(),
        name.name());
  }

  /// Gives it a new etag.
  static void touch(Session session, AdapterName name, Instant now) throws SQLException {
    session.run(
        "UPDATE adapters SET updated = ?, etag = ? WHERE tenant = ? AND name = ?",
        now,
        Nonces.etag(),
        name.tenant(),
        name.name());
  }

  /// With its versions and aliases.
  static void delete(Session session, AdapterName name) throws SQLException {
    session.run("DELETE FROM adapters WHERE tenant = ? AND name = ?", name.tenant(), name.name());
  }

  private static AdapterRecord adapter(ResultSet row) throws SQLException {
    return new AdapterRecord(
        new AdapterName(row.getString("tenant"), row.getString("name")),
        row.getString("description"),
        Json.map(row.getString("labels")),
        row.getInt("version_count"),
        row.getInt("latest"),
        Session.instant(row, "created"),
        Session.instant(row, "updated"),
        row.getString("etag"));
  }
}
