package dev.tributary.server.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/// Contributions, the manifests that they are in, and which of them were withdrawn.
///
/// A manifest is a list of contributions, known by the Merkle root over their leaves' hashes. It
/// never changes; what is made of one with a withdrawn contribution from then on is refused.
public final class Contributions {
  /// Contributions of one manifest.
  public static final int MAX_MANIFEST = 10_000;

  private static final String KIND = "contribution";

  private final Database database;
  private final InstantSource time;

  Contributions(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
  }

  /// Registers contributions and the manifest of all of them, in this order.
  ///
  /// @param manifest digest
  /// @param contributions 1 to [#MAX_MANIFEST], none of them registered
  public void register(String tenant, String manifest, List<Contribution> contributions) {
    Checks.digest(manifest);
    Checks.range("number of contributions", contributions.size(), 1, MAX_MANIFEST);
    database.change(
        session -> {
          Tenants.require(session, tenant);
          for (int i = 0; i < contributions.size(); i++) {
            Contribution each = contributions.get(i);
            session.run(
                "INSERT INTO contributions (id, tenant, leaf) VALUES (?, ?, ?)",
                each.id(),
                tenant,
                each.leaf());
            session.run(
                "INSERT INTO manifests (tenant, digest, position, contribution)"
                    + " VALUES (?, ?, ?, ?)",
                tenant,
                manifest,
                i,
                each.id());
          }
        });
  }

  /// Registers a manifest of contributions that are registered, in this order; nothing if there is
  /// that manifest.
  ///
  /// @param digest of the manifest
  /// @param ids 1 to [#MAX_MANIFEST], of this tenant, none of them withdrawn
  /// @throws StateException NotFound, of the first that is not so
  public void list(String tenant, String digest, List<String> ids) {
    Checks.digest(digest);
    Checks.range("number of contributions", ids.size(), 1, MAX_MANIFEST);
    database.change(
        session -> {
          for (int i = 0; i < ids.size(); i++) {
            String id = ids.get(i);
            if (find(session, tenant, id).filter(each -> each.withdrawn() == null).isEmpty()) {
              throw new StateException(new StateException.NotFound(KIND, id));
            }
            session.run(
                "INSERT INTO manifests (tenant, digest, position, contribution)"
                    + " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                tenant,
                digest,
                i,
                id);
          }
        });
  }

  /// Leaves of all contributions of this tenant that were withdrawn.
  public List<Long> withdrawn(String tenant) {
    return database.read(
        session ->
            session.all(
                "SELECT leaf FROM contributions WHERE tenant = ? AND withdrawn IS NOT NULL",
                row -> row.getLong(1),
                tenant));
  }

  /// Digests of the manifests of this tenant that have the contribution, sorted.
  public List<String> manifestsOf(String tenant, String id) {
    return database.read(
        session ->
            session.all(
                "SELECT digest FROM manifests WHERE contribution = ? AND tenant = ? ORDER BY digest",
                row -> row.getString(1),
                id,
                tenant));
  }

  /// A manifest of a tenant's.
  public record Manifest(String tenant, String digest) {}

  /// All manifests of which something was withdrawn.
  public List<Manifest> withdrawnManifests() {
    return database.read(
        session ->
            session.all(
                """
                SELECT DISTINCT manifests.tenant, manifests.digest FROM manifests
                JOIN contributions ON contributions.id = manifests.contribution
                WHERE withdrawn IS NOT NULL ORDER BY manifests.tenant, manifests.digest""",
                row -> new Manifest(row.getString(1), row.getString(2))));
  }

  /// A contribution of this tenant.
  public Optional<Contribution> get(String tenant, String id) {
    return database.read(session -> find(session, tenant, id));
  }

  /// The same.
  ///
  /// @throws StateException NotFound
  public Contribution require(String tenant, String id) {
    return get(tenant, id)
        .orElseThrow(() -> new StateException(new StateException.NotFound(KIND, id)));
  }

  /// From now on nothing is made of it. Changes nothing if it was withdrawn before.
  ///
  /// @throws StateException NotFound
  public Contribution withdraw(String tenant, String id) {
    return database.write(
        session -> {
          session.run(
              "UPDATE contributions SET withdrawn = ?"
                  + " WHERE id = ? AND tenant = ? AND withdrawn IS NULL",
              State.now(time),
              id,
              tenant);
          return find(session, tenant, id)
              .orElseThrow(() -> new StateException(new StateException.NotFound(KIND, id)));
        });
  }

  /// The ledger says so, too, in this leaf. The first one is kept.
  public void recordWithdrawal(String id, long leaf) {
    database.change(
        session ->
            session.run(
                "UPDATE contributions SET withdrawal_leaf = ?"
                    + " WHERE id = ? AND withdrawn IS NOT NULL AND withdrawal_leaf IS NULL",
                leaf,
                id));
  }

  /// Whether nothing may be made of the contribution any more.
  public boolean isWithdrawn(String id) {
    return database.read(
            session ->
                session.number(
                    "SELECT EXISTS(SELECT 1 FROM contributions"
                        + " WHERE id = ? AND withdrawn IS NOT NULL)",
                    id))
        == 1;
  }

  /// Those of a manifest of this tenant, in its order; none if there is no such manifest.
  public List<Contribution> manifest(String tenant, String digest) {
    return database.read(
        session ->
            session.all(
                """
                SELECT contributions.* FROM manifests
                JOIN contributions ON contributions.id = manifests.contribution
                WHERE manifests.tenant = ? AND manifests.digest = ? ORDER BY position""",
                Contributions::contribution,
                tenant,
                digest));
  }

  /// Whether this tenant has the manifest.
  public boolean hasManifest(String tenant, String digest) {
    return database.read(
            session ->
                session.number(
                    "SELECT EXISTS(SELECT 1 FROM manifests WHERE tenant = ? AND digest = ?)",
                    tenant,
                    digest))
        == 1;
  }

  /// How many of a manifest were withdrawn.
  public int withdrawnOf(String tenant, String digest) {
    return (int)
        (long)
            database.read(
                session ->
                    session.number(
                        """
                        SELECT count(*) FROM manifests
                        JOIN contributions ON contributions.id = manifests.contribution
                        WHERE manifests.tenant = ? AND manifests.digest = ?
                          AND withdrawn IS NOT NULL""",
                        tenant,
                        digest));
  }

  /// Digests of the versions that can be named and whose manifest has the contribution, sorted.
  public List<String> servedFrom(String tenant, String id) {
    return database.read(
        session ->
            session.all(
                """
                SELECT DISTINCT versions.digest FROM manifests
                JOIN versions ON versions.tenant = manifests.tenant
                  AND versions.manifest_digest = manifests.digest AND manifest_digest <> ''
                WHERE manifests.contribution = ? AND manifests.tenant = ? AND state = ?
                ORDER BY versions.digest""",
                row -> row.getString(1),
                id,
                tenant,
                VersionState.READY));
  }

  private static Optional<Contribution> find(Session session, String tenant, String id)
      throws SQLException {
    return session.one(
        "SELECT * FROM contributions WHERE id = ? AND tenant = ?",
        Contributions::contribution,
        id,
        tenant);
  }

  private static Contribution contribution(ResultSet row) throws SQLException {
    return new Contribution(
        row.getString("id"),
        row.getLong("leaf"),
        Session.optionalInstant(row, "withdrawn"),
        Session.optionalLong(row, "withdrawal_leaf"));
  }
}
