package dev.tributary.server.state;

import dev.tributary.server.state.RunRecord.Kind;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Runs of training, from their start on; one that ended changes no more. Every method is one
/// transaction.
public final class Runs {
  private static final String KIND = "run";
  private static final int ID_BYTES = 16;

  private final Database database;
  private final InstantSource time;

  Runs(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
  }

  /// What is known of a run at its start; see [RunRecord].
  ///
  /// @param version whose audit set it is; null where a version comes out
  /// @param digest of that version; empty likewise
  public record Start(
      AdapterName adapter,
      Kind kind,
      String settings,
      String alias,
      int subsets,
      int seeds,
      String manifest,
      String data,
      @Nullable Integer version,
      String digest,
      String requestId) {
    public Start {
      Checks.digest(manifest);
      Checks.range("subsets", subsets, 0, Integer.MAX_VALUE);
      Checks.range("seeds", seeds, 0, Integer.MAX_VALUE);
      if (!alias.isEmpty()) {
        Checks.alias(alias);
      }
    }
  }

  /// A new run, QUEUED.
  ///
  /// @throws StateException AlreadyExists, if the tenant has a run of this request id, or
  ///   OverQuota, if as many as `mostQueued` wait
  public RunRecord create(Start start, int mostQueued) {
    return database.write(
        session -> {
          String tenant = start.adapter.tenant();
          Tenants.require(session, tenant);
          if (byRequest(session, tenant, start.requestId).isPresent()) {
            throw new StateException(new StateException.AlreadyExists("request", start.requestId));
          }
          long queued =
              session.number(
                  "SELECT count(*) FROM runs WHERE ended IS NULL AND state = ?",
                  RunRecord.State.QUEUED);
          if (queued >= mostQueued) {
            throw new StateException(
                new StateException.OverQuota("queued_runs", mostQueued, queued));
          }
          String id = Nonces.hex(ID_BYTES);
          session.run(
              """
              INSERT INTO runs (id, tenant, adapter, kind, state, error, settings, alias, subsets,
                seeds, manifest_digest, data, progress, result, version, digest, request_id, created)
              VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, '', '', ?, ?, ?, ?)""",
              id,
              tenant,
              start.adapter.name(),
              start.kind,
              RunRecord.State.QUEUED,
              start.settings,
              start.alias,
              start.subsets,
              start.seeds,
              start.manifest,
              start.data,
              start.version,
              start.digest,
              start.requestId,
              State.now(time));
          return find(session, tenant, id).orElseThrow();
        });
  }

  /// A run of this tenant.
  public Optional<RunRecord> get(String tenant, String id) {
    return database.read(session -> find(session, tenant, id));
  }

  /// The same.
  ///
  /// @throws StateException NotFound
  public RunRecord require(String tenant, String id) {
    return get(tenant, id)
        .orElseThrow(() -> new StateException(new StateException.NotFound(KIND, id)));
  }

  /// A run as it is now.
  public RunRecord require(RunRecord run) {
    return require(run.adapter().tenant(), run.id());
  }

  /// The newest run that made this version.
  public Optional<RunRecord> ofVersion(AdapterName adapter, int number) {
    return database.read(
        session ->
            session.one(
                """
                SELECT * FROM runs WHERE tenant = ? AND adapter = ? AND kind = ? AND version = ?
                  AND state = ? ORDER BY seq DESC LIMIT 1""",
                Runs::run,
                adapter.tenant(),
                adapter.name(),
                Kind.VERSION,
                number,
                RunRecord.State.SUCCEEDED));
  }

  /// The run that was started by this request; none for an empty id.
  public Optional<RunRecord> byRequest(String tenant, String requestId) {
    return database.read(session -> byRequest(session, tenant, requestId));
  }

  private static Optional<RunRecord> byRequest(Session session, String tenant, String requestId)
      throws SQLException {
    return requestId.isEmpty()
        ? Optional.empty()
        : session.one(
            "SELECT * FROM runs WHERE tenant = ? AND request_id = ? AND request_id <> ''",
            Runs::run,
            tenant,
            requestId);
  }

  /// A tenant's runs, newest first.
  ///
  /// @param adapter of this one; empty: of any
  /// @param before sequence of the last one of the page before; [Long#MAX_VALUE] for the first page
  /// @param limit in [1, 10,000]
  public List<RunRecord> list(String tenant, String adapter, long before, int limit) {
    Checks.page(limit);
    return database.read(
        session ->
            session.all(
                """
                SELECT * FROM runs WHERE tenant = ? AND seq < ? AND (? = '' OR adapter = ?)
                ORDER BY seq DESC LIMIT ?""",
                Runs::run,
                tenant,
                before,
                adapter,
                adapter,
                limit));
  }

  /// All that wait or run, of all tenants, in the order in which they were started.
  public List<RunRecord> open() {
    return database.read(
        session -> session.all("SELECT * FROM runs WHERE ended IS NULL ORDER BY seq", Runs::run));
  }

  /// The newest run of a version that gave an adapter of this digest; it may be about to be
  /// published.
  public Optional<RunRecord> byDigest(String tenant, String digest) {
    return database.read(
        session ->
            session.one(
                """
                SELECT * FROM runs WHERE tenant = ? AND digest = ? AND digest <> '' AND kind = ?
                  AND state IN (?, ?) ORDER BY seq DESC LIMIT 1""",
                Runs::run,
                tenant,
                digest,
                Kind.VERSION,
                RunRecord.State.RUNNING,
                RunRecord.State.SUCCEEDED));
  }

  /// A run that waited begins, or one that ran is gone on with.
  ///
  /// @throws StateException NotFound, if it has ended
  public RunRecord begin(RunRecord run) {
    return change(
        run,
        session ->
            session.run(
                "UPDATE runs SET state = ? WHERE id = ? AND ended IS NULL",
                RunRecord.State.RUNNING,
                run.id()));
  }

  /// An adapter is trained, of which there is no version yet.
  ///
  /// @throws StateException NotFound, if it has ended
  public RunRecord trained(RunRecord run, String digest) {
    Checks.digest(digest);
    return change(
        run,
        session ->
            session.run(
                "UPDATE runs SET digest = ? WHERE id = ? AND ended IS NULL", digest, run.id()));
  }

  /// There is a version, or an audit set.
  ///
  /// @param version number of it
  /// @throws StateException NotFound, if it has ended
  public RunRecord succeed(
      RunRecord run, @Nullable Integer version, String progress, String result) {
    return change(
        run,
        session ->
            session.run(
                """
                UPDATE runs SET state = ?, version = ?, progress = ?, result = ?, ended = ?
                WHERE id = ? AND ended IS NULL""",
                RunRecord.State.SUCCEEDED,
                version,
                progress,
                result,
                State.now(time),
                run.id()));
  }

  /// Nothing comes of it.
  ///
  /// @param state FAILED or CANCELLED
  /// @param error at most 2,000 characters are kept
  /// @throws StateException NotFound, if it has ended
  public RunRecord end(RunRecord run, RunRecord.State state, String error, String progress) {
    String kept = error.substring(0, Math.min(error.length(), RunRecord.MAX_ERROR));
    return change(
        run,
        session ->
            session.run(
                """
                UPDATE runs SET state = ?, error = ?, progress = ?, ended = ?
                WHERE id = ? AND ended IS NULL""",
                state,
                kept,
                progress,
                State.now(time),
                run.id()));
  }

  private interface Update {
    int run(Session session) throws SQLException;
  }

  private RunRecord change(RunRecord run, Update update) {
    return database.write(
        session -> {
          if (update.run(session) == 0) {
            throw new StateException(new StateException.NotFound(KIND, run.id()));
          }
          return find(session, run.adapter().tenant(), run.id()).orElseThrow();
        });
  }

  private static Optional<RunRecord> find(Session session, String tenant, String id)
      throws SQLException {
    return session.one("SELECT * FROM runs WHERE id = ? AND tenant = ?", Runs::run, id, tenant);
  }

  private static RunRecord run(ResultSet row) throws SQLException {
    return new RunRecord(
        row.getLong("seq"),
        row.getString("id"),
        new AdapterName(row.getString("tenant"), row.getString("adapter")),
        Kind.valueOf(row.getString("kind")),
        RunRecord.State.valueOf(row.getString("state")),
        row.getString("error"),
        row.getString("settings"),
        row.getString("alias"),
        row.getInt("subsets"),
        row.getInt("seeds"),
        row.getString("manifest_digest"),
        row.getString("data"),
        row.getString("progress"),
        row.getString("result"),
        Session.optionalInt(row, "version"),
        row.getString("digest"),
        row.getString("request_id"),
        Session.instant(row, "created"),
        Session.optionalInstant(row, "ended"));
  }
}
