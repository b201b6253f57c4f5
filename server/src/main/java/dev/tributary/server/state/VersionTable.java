package dev.tributary.server.state;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rows of versions.
final class VersionTable {
  static final String KIND = "version";

  private VersionTable() {}

  static void insert(Session session, VersionRecord version) throws SQLException {
    VersionFacts facts = version.facts();
    session.run(
        """
        INSERT INTO versions
          (tenant, name, number, digest, base_digest, base_mismatch_allowed, origin, rank, targets,
           parameters, weights_bytes, dora, alone, base_name, manifest_digest, folder,
           stored_bytes, state, reason, pinned, created)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        version.adapter().tenant(),
        version.adapter().name(),
        version.number(),
        facts.digest(),
        facts.baseDigest(),
        facts.baseMismatchAllowed(),
        facts.origin(),
        facts.rank(),
        Json.write(facts.targets()),
        facts.parameters(),
        facts.weightsBytes(),
        facts.dora(),
        facts.alone(),
        facts.baseName(),
        facts.manifestDigest(),
        facts.folder(),
        facts.storedBytes(),
        version.state(),
        version.reason(),
        version.pinned(),
        version.created());
  }

  static Optional<VersionRecord> find(Session session, AdapterName adapter, int number)
      throws SQLException {
    return session.one(
        "SELECT * FROM versions WHERE tenant = ? AND name = ? AND number = ?",
        VersionTable::version,
        adapter.tenant(),
        adapter.name(),
        number);
  }

  static VersionRecord require(Session session, AdapterName adapter, int number)
      throws SQLException {
    return find(session, adapter, number).orElseThrow(() -> missing(adapter, number));
  }

  static StateException missing(AdapterName adapter, int number) {
    return new StateException(new StateException.NotFound(KIND, label(adapter, number)));
  }

  static String label(AdapterName adapter, int number) {
    return number + " of " + adapter;
  }

  /// The newest of an adapter with a digest.
  static Optional<VersionRecord> find(Session session, AdapterName adapter, String digest)
      throws SQLException {
    return session.one(
        "SELECT * FROM versions WHERE tenant = ? AND digest = ? AND name = ?"
            + " ORDER BY number DESC LIMIT 1",
        VersionTable::version,
        adapter.tenant(),
        digest,
        adapter.name());
  }

  static List<VersionRecord> page(Session session, AdapterName adapter, int before, int limit)
      throws SQLException {
    return session.all(
        "SELECT * FROM versions WHERE tenant = ? AND name = ? AND number < ?"
            + " ORDER BY number DESC LIMIT ?",
        VersionTable::version,
        adapter.tenant(),
        adapter.name(),
        before,
        limit);
  }

  static List<VersionRecord> pinned(Session session) throws SQLException {
    return session.all(
        "SELECT * FROM versions WHERE pinned = 1 ORDER BY tenant, name, number",
        VersionTable::version);
  }

  static List<VersionRecord> linked(Session session) throws SQLException {
    return session.all(
        "SELECT * FROM versions WHERE folder IS NOT NULL ORDER BY tenant, name, number",
        VersionTable::version);
  }

  static void setState(
      Session session, AdapterName adapter, int number, VersionState state, String reason)
      throws SQLException {
    session.run(
        "UPDATE versions SET state = ?, reason = ? WHERE tenant = ? AND name = ? AND number = ?",
        state,
        reason,
        adapter.tenant(),
        adapter.name(),
        number);
  }

  static void setPinned(Session session, AdapterName adapter, int number, boolean pinned)
      throws SQLException {
    session.run(
        "UPDATE versions SET pinned = ? WHERE tenant = ? AND name = ? AND number = ?",
        pinned,
        adapter.tenant(),
        adapter.name(),
        number);
  }

  static void setFolder(Session session, AdapterName adapter, int number, Path folder)
      throws SQLException {
    session.run(
        "UPDATE versions SET folder = ? WHERE tenant = ? AND name = ? AND number = ?",
        folder,
        adapter.tenant(),
        adapter.name(),
        number);
  }

  static void delete(Session session, AdapterName adapter, int number) throws SQLException {
    session.run(
        "DELETE FROM versions WHERE tenant = ? AND name = ? AND number = ?",
        adapter.tenant(),
        adapter.name(),
        number);
  }

  /// No lease outlives the process that gave it.
  static void endDraining(Session session) throws SQLException {
    session.run(
        "UPDATE versions SET state = ?, reason = '' WHERE state = ?",
        VersionState.READY,
        VersionState.DRAINING);
  }

  static VersionTotals totals(Session session) throws SQLException {
    return session
        .one(
            "SELECT count(*), coalesce(sum(weights_bytes), 0) FROM versions",
            row -> new VersionTotals(row.getInt(1), row.getLong(2)))
        .orElseThrow();
  }

  static StorageUse use(Session session, String tenant) throws SQLException {
    long adapters = session.number("SELECT count(*) FROM adapters WHERE tenant = ?", tenant);
    return new StorageUse((int) adapters, bytes(session, tenant));
  }

  static long bytes(Session session, String tenant) throws SQLException {
    return session.number(
        """
        SELECT coalesce(sum(bytes), 0) FROM
          (SELECT max(stored_bytes) AS bytes FROM versions WHERE tenant = ? GROUP BY digest)""",
        tenant);
  }

  static List<StoredDigest> stored(Session session) throws SQLException {
    return session.all(
        "SELECT DISTINCT tenant, digest FROM versions WHERE folder IS NULL",
        row -> new StoredDigest(row.getString(1), row.getString(2)));
  }

  static boolean isStored(Session session, StoredDigest files) throws SQLException {
    return session.number(
            "SELECT EXISTS(SELECT 1 FROM versions"
                + " WHERE tenant = ? AND digest = ? AND folder IS NULL)",
            files.tenant(),
            files.digest())
        == 1;
  }

  private static VersionRecord version(ResultSet row) throws SQLException {
    String folder = row.getString("folder");
    @Nullable Path path = folder == null ? null : Path.of(folder);
    VersionFacts facts =
        new VersionFacts(
            row.getString("digest"),
            row.getString("base_digest"),
            row.getBoolean("base_mismatch_allowed"),
            Origin.valueOf(row.getString("origin")),
            row.getInt("rank"),
            Json.list(row.getString("targets")),
            row.getLong("parameters"),
            row.getLong("weights_bytes"),
            row.getBoolean("dora"),
            row.getBoolean("alone"),
            row.getString("base_name"),
            row.getString("manifest_digest"),
            path,
            row.getLong("stored_bytes"));
    return new VersionRecord(
        new AdapterName(row.getString("tenant"), row.getString("name")),
        row.getInt("number"),
        facts,
        VersionState.valueOf(row.getString("state")),
        row.getString("reason"),
        row.getBoolean("pinned"),
        Session.instant(row, "created"));
  }
}
