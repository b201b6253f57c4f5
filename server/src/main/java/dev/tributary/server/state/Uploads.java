package dev.tributary.server.state;

import java.nio.ByteBuffer;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Uploads that were begun and can be gone on with for [#KEPT]. Their bytes lie elsewhere.
public final class Uploads {
  public static final Duration KEPT = Duration.ofHours(24);

  /// Of one tenant at a time, so that nobody fills the table.
  public static final int MAX_PER_TENANT = 100;

  private static final int ID_BYTES = 16;
  private static final String KIND = "upload";

  private final Database database;
  private final InstantSource time;

  Uploads(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
  }

  public UploadRecord create(AdapterName adapter, ByteBuffer header) {
    Instant now = State.now(time);
    UploadRecord upload =
        new UploadRecord(Nonces.hex(ID_BYTES), adapter, header, now, now.plus(KEPT));
    return database.write(
        session -> {
          Tenants.require(session, adapter.tenant());
          long open =
              session.number("SELECT count(*) FROM uploads WHERE tenant = ?", adapter.tenant());
          if (open >= MAX_PER_TENANT) {
            throw new StateException(new StateException.OverQuota("uploads", MAX_PER_TENANT, open));
          }
          session.run(
              """
              INSERT INTO uploads (id, tenant, adapter, header, created, expires)
              VALUES (?, ?, ?, ?, ?, ?)""",
              upload.id(),
              adapter.tenant(),
              adapter.name(),
              bytes(upload.header()),
              upload.created(),
              upload.expires());
          return upload;
        });
  }

  /// An upload of this tenant that has not expired.
  public Optional<UploadRecord> get(String tenant, String id) {
    return database.read(
        session ->
            session.one(
                "SELECT * FROM uploads WHERE id = ? AND tenant = ? AND expires > ?",
                Uploads::upload,
                id,
                tenant,
                time.instant()));
  }

  public void delete(String tenant, String id) {
    database.change(session -> delete(session, tenant, id));
  }

  static void delete(Session session, String tenant, String id) throws SQLException {
    if (session.run("DELETE FROM uploads WHERE id = ? AND tenant = ?", id, tenant) == 0) {
      throw new StateException(new StateException.NotFound(KIND, id));
    }
  }

  /// Those that nobody can go on with, oldest first, to be deleted with their bytes.
  ///
  /// @param limit in [1, 10,000]
  public List<UploadRecord> expired(int limit) {
    Checks.page(limit);
    return database.read(
        session ->
            session.all(
                "SELECT * FROM uploads WHERE expires <= ? ORDER BY expires LIMIT ?",
                Uploads::upload,
                time.instant(),
                limit));
  }

  /// Of all tenants, expired ones too. Bytes of any other upload belong to nobody.
  public Set<String> ids() {
    return Set.copyOf(
        database.read(session -> session.all("SELECT id FROM uploads", row -> row.getString(1))));
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private static UploadRecord upload(ResultSet row) throws SQLException {
    return new UploadRecord(
        row.getString("id"),
        new AdapterName(row.getString("tenant"), row.getString("adapter")),
        ByteBuffer.wrap(row.getBytes("header")),
        Session.instant(row, "created"),
        Session.instant(row, "expires"));
  }
}
