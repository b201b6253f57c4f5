package dev.tributary.server.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;

/// The open state: `state.db`. Safe for use by many threads.
public final class State implements AutoCloseable {
  private final Occupancy occupancy;
  private final Database database;
  private final Tenants tenants;
  private final Keys keys;
  private final Adapters adapters;
  private final Uploads uploads;
  private final Contributions contributions;
  private final Runs runs;
  private final Requests requests;
  private final Audit audit;

  private State(Occupancy occupancy, Database database, InstantSource time) {
    this.occupancy = occupancy;
    this.database = database;
    this.tenants = new Tenants(database, time);
    this.keys = new Keys(database, time);
    this.adapters = new Adapters(database, time);
    this.uploads = new Uploads(database, time);
    this.contributions = new Contributions(database, time);
    this.runs = new Runs(database, time);
    this.requests = new Requests(database, time, Requests.CAPACITY);
    this.audit = new Audit(database);
  }

  /// Opens the state, or makes it where there is none.
  ///
  /// @param file in a folder that exists
  /// @throws StateException Corrupt, or Unavailable: another process has it, a newer server wrote
  ///   it
  public static State open(Path file, InstantSource time) {
    Path real = real(file);
    Occupancy occupancy = Occupancy.take(real, time.instant());
    try {
      OwnerFile.create(real);
      Database database = Database.open(real, Schema.current());
      try {
        database.change(VersionTable::endDraining);
        return new State(occupancy, database, time);
      } catch (RuntimeException e) {
        database.close();
        throw e;
      }
    } catch (RuntimeException e) {
      occupancy.close();
      throw e;
    }
  }

  private static Path real(Path file) {
    try {
      Path absolute = file.toAbsolutePath();
      return Files.exists(absolute)
          ? absolute.toRealPath()
          : absolute.resolveSibling("").toRealPath().resolve(absolute.getFileName());
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(file + " can't be reached: " + e.getMessage()), e);
    }
  }

  /// Hears every statement; for tests, while nothing else runs.
  void listen(Consumer<String> heard) {
    database.listen(heard);
  }

  public Tenants tenants() {
    return tenants;
  }

  public Keys keys() {
    return keys;
  }

  public Adapters adapters() {
    return adapters;
  }

  public Uploads uploads() {
    return uploads;
  }

  public Contributions contributions() {
    return contributions;
  }

  public Runs runs() {
    return runs;
  }

  public Requests requests() {
    return requests;
  }

  public Audit audit() {
    return audit;
  }

  /// Copies the state as it is at this moment, while it is in use. To restore, stop the server,
  /// move `state.db` with its `-wal` and `-shm` away and put the copy in its place.
  ///
  /// @param target must not exist; it is there whole or not at all
  /// @throws StateException AlreadyExists, or Unavailable: it can't be written
  public void backup(Path target) {
    Backup.write(database.file(), target);
  }

  /// The same for a state that another process may have open.
  ///
  /// @param file must exist
  public static void backup(Path file, Path target) {
    Backup.write(file, target);
  }

  @Override
  public void close() {
    try {
      database.close();
    } finally {
      occupancy.close();
    }
  }

  /// As precise as it is stored.
  static Instant now(InstantSource time) {
    return time.instant().truncatedTo(ChronoUnit.MILLIS);
  }
}
