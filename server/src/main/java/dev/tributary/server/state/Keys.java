package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.tlog.Hash;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// API keys. Only the SHA-256 of a secret is stored. A slow hash, as passwords need, would buy
/// nothing: a secret is 256 random bits, which nobody tries out, and it would cost every call.
///
/// A key is rotated by making a second one and revoking the first when its users have changed over.
/// A revoked key is deleted; the audit log remembers its id.
public final class Keys {
  static final String KIND = "key";

  private static final int ID_BYTES = 8;
  private static final int SECRET_BYTES = 32;
  private static final Pattern SECRET = Pattern.compile("trib_([0-9a-f]{16})_[A-Za-z0-9_-]{43}");

  /// Stands in where there is no key, so that the work is the same. No secret hashes to it.
  private static final byte[] NO_HASH = new byte[32];

  private record Stored(KeyRecord key, ByteBuffer hash) {}

  private final Database database;
  private final InstantSource time;

  /// By the hash of the secret.
  private final Recent<ByteBuffer, KeyRecord> recent = new Recent<>();

  /// By key id, the hour of the last use that was stored or is being stored; saves a write per
  /// call.
  private final Map<String, Instant> noted = new ConcurrentHashMap<>();

  Keys(Database database, InstantSource time) {
    this.database = database;
    this.time = time;
  }

  /// Makes a key. The secret in the result is shown once.
  public NewKey create(KeySpec spec) {
    String id = Nonces.hex(ID_BYTES);
    String secret =
        "trib_%s_%s"
            .formatted(
                id,
                Base64.getUrlEncoder().withoutPadding().encodeToString(Nonces.bytes(SECRET_BYTES)));
    Instant expires = spec.expires();
    KeyRecord key =
        new KeyRecord(
            id,
            spec.tenant(),
            spec.role(),
            spec.contributor(),
            spec.displayName(),
            State.now(time),
            expires == null ? null : expires.truncatedTo(ChronoUnit.MILLIS),
            null);
    database.change(
        session -> {
          Tenants.require(session, spec.tenant());
          session.run(
              """
              INSERT INTO keys
                (id, tenant, role, contributor, display_name, created, expires, secret_hash)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
              id,
              key.tenant(),
              key.role(),
              key.contributor(),
              key.displayName(),
              key.created(),
              key.expires(),
              hash(secret));
        });
    return new NewKey(key, secret);
  }

  /// The key that a secret belongs to, unless it expired or was revoked. Its last use may be from
  /// before this one.
  public Optional<KeyRecord> authenticate(String secret, Instant now) {
    byte[] hash = hash(secret);
    // By the hash, so that only who has the secret is answered faster.
    Optional<KeyRecord> key = recent.get(ByteBuffer.wrap(hash), () -> check(secret, hash));
    if (key.isEmpty() || hasExpired(key.get(), now)) {
      return Optional.empty();
    }
    note(key.get(), now.truncatedTo(ChronoUnit.HOURS));
    return key;
  }

  /// Does the same work for secrets of unknown keys.
  private Optional<KeyRecord> check(String secret, byte[] hash) {
    Matcher parts = SECRET.matcher(secret);
    String id = parts.matches() ? parts.group(1) : "";
    Optional<Stored> stored = find(id);
    boolean same =
        MessageDigest.isEqual(hash, stored.map(found -> found.hash().array()).orElse(NO_HASH));
    return same ? stored.map(Stored::key) : Optional.empty();
  }

  private static boolean hasExpired(KeyRecord key, Instant now) {
    return key.expires() != null && !now.isBefore(key.expires());
  }

  public Optional<KeyRecord> get(String id) {
    return find(id).map(Stored::key);
  }

  /// By id.
  ///
  /// @param tenant whose; null: all
  /// @param after id of the last one of the page before; empty for the first page
  /// @param limit in [1, 10,000]
  public List<KeyRecord> list(@Nullable String tenant, String after, int limit) {
    Checks.page(limit);
    return database.read(
        session ->
            tenant == null
                ? session.all(
                    "SELECT * FROM keys WHERE id > ? ORDER BY id LIMIT ?", Keys::key, after, limit)
                : session.all(
                    "SELECT * FROM keys WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?",
                    Keys::key,
                    tenant,
                    after,
                    limit));
  }

  /// From its return on, the key opens nothing.
  public void revoke(String id) {
    database.change(
        session -> {
          if (session.run("DELETE FROM keys WHERE id = ?", id) == 0) {
            throw new StateException(new StateException.NotFound(KIND, id));
          }
        });
    recent.changed();
    noted.remove(id);
  }

  private Optional<Stored> find(String id) {
    return database.read(
        session ->
            session.one(
                "SELECT * FROM keys WHERE id = ?",
                row -> new Stored(key(row), ByteBuffer.wrap(row.getBytes("secret_hash"))),
                id));
  }

  /// Stores the hour of use, once per hour and key.
  private void note(KeyRecord key, Instant hour) {
    if (hour.equals(key.lastUse()) || hour.equals(noted.put(key.id(), hour))) {
      return;
    }
    database.change(
        session ->
            session.run(
                "UPDATE keys SET last_use = ?"
                    + " WHERE id = ? AND (last_use IS NULL OR last_use < ?)",
                hour,
                key.id(),
                hour));
  }

  private static KeyRecord key(ResultSet row) throws SQLException {
    return new KeyRecord(
        row.getString("id"),
        row.getString("tenant"),
        Role.valueOf(row.getString("role")),
        row.getString("contributor"),
        row.getString("display_name"),
        Session.instant(row, "created"),
        Session.optionalInstant(row, "expires"),
        Session.optionalInstant(row, "last_use"));
  }

  private static byte[] hash(String secret) {
    return Hash.sha256(secret.getBytes(UTF_8)).bytes();
  }
}
