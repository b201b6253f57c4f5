package dev.tributary.server.state;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// Which request ids were used lately, so that a repeat is not charged twice.
///
/// An id is taken while its call runs, and remembered for [#KEPT], across restarts, once the call
/// kept it; a call that ends before that frees it. Only kept ids are written. The memory is
/// bounded: past its capacity the oldest is forgotten early.
public final class Requests {
  public static final Duration KEPT = Duration.ofHours(24);

  /// Ids remembered, of all tenants; each takes about 250 bytes on disk.
  static final int CAPACITY = 1_000_000;

  private record Id(String tenant, String requestId) {}

  /// What comes of asking for an id.
  public sealed interface Claim permits Taken, Reservation {}

  /// The id is in use, or was lately.
  ///
  /// @param generationId of the call that has it
  public record Taken(String generationId) implements Claim {}

  private final Database database;
  private final InstantSource time;
  private final int capacity;

  /// Generation ids of the calls that run. Bounded by the calls in flight.
  private final Map<Id, String> running = new ConcurrentHashMap<>();

  Requests(Database database, InstantSource time, int capacity) {
    this.database = database;
    this.time = time;
    this.capacity = capacity;
  }

  /// Takes the id for a generation if it is free.
  public Claim reserve(String tenant, String requestId, String generationId) {
    Id id = new Id(tenant, requestId);
    String first = running.putIfAbsent(id, generationId);
    if (first != null) {
      return new Taken(first);
    }
    // Looked up after the reservation: a call that kept the id and ended in between is found here.
    Optional<String> kept;
    try {
      kept = find(id);
    } catch (RuntimeException e) {
      running.remove(id);
      throw e;
    }
    if (kept.isPresent()) {
      running.remove(id);
      return new Taken(kept.get());
    }
    return new Reservation(id, generationId);
  }

  private Optional<String> find(Id id) {
    return database.read(
        session ->
            session.one(
                "SELECT generation_id FROM requests"
                    + " WHERE tenant = ? AND request_id = ? AND at > ?",
                row -> row.getString(1),
                id.tenant(),
                id.requestId(),
                forgotten()));
  }

  private Instant forgotten() {
    return time.instant().minus(KEPT);
  }

  private void store(Session session, Id id, String generationId) throws SQLException {
    session.run("DELETE FROM requests WHERE at <= ?", forgotten());
    session.run(
        "INSERT INTO requests (tenant, request_id, generation_id, at) VALUES (?, ?, ?, ?)"
            + " ON CONFLICT DO NOTHING",
        id.tenant(),
        id.requestId(),
        generationId,
        time.instant());
    session.run("DELETE FROM requests WHERE seq <= (SELECT max(seq) FROM requests) - ?", capacity);
  }

  /// An id taken by a call, used by one thread at a time. To be closed when the call ends.
  public final class Reservation implements Claim, AutoCloseable {
    private final Id id;
    private final String generationId;
    private boolean kept;
    private boolean closed;

    private Reservation(Id id, String generationId) {
      this.id = id;
      this.generationId = generationId;
    }

    /// A token was charged: the id stays taken. Durable on return; later calls do nothing.
    public void keep() {
      if (!kept) {
        database.change(session -> store(session, id, generationId));
        kept = true;
      }
    }

    /// Frees the id unless it was kept.
    @Override
    public void close() {
      if (!closed) {
        closed = true;
        running.remove(id);
      }
    }
  }
}
