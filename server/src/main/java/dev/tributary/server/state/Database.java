package dev.tributary.server.state;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/// The open file: one connection that writes, behind a lock, and a few that read beside it.
///
/// A reader sees what was committed last, and never waits for the disk. Waiting is not
/// interruptible: a read takes microseconds and a commit milliseconds, and a call that was
/// cancelled must not leave it open whether its change is stored. It is fair, since else a thread
/// that wakes up is overtaken for minutes by busy ones that never slept.
final class Database implements AutoCloseable {
  /// What is done in one transaction.
  interface Work<T> {
    T run(Session session) throws SQLException;
  }

  /// Like [Work], without a result.
  interface Change {
    void run(Session session) throws SQLException;
  }

  /// Reads at the same time; more threads wait for microseconds.
  private static final int READERS = 4;

  /// How long SQLite itself waits for its locks; only checkpoints and backups ever hold them.
  private static final int BUSY_MILLIS = 10_000;

  /// The log beside the file is cut to this when it was written back.
  private static final int LOG_BYTES = 64 << 20;

  private final Path file;
  private final ReentrantLock writing = new ReentrantLock(true);

  @GuardedBy("writing")
  private final Session writer;

  private final Semaphore free = new Semaphore(READERS, true);

  @GuardedBy("readers")
  private final Deque<Session> readers = new ArrayDeque<>(READERS);

  private volatile boolean closed;

  private Database(Path file, Session writer) {
    this.file = file;
    this.writer = writer;
  }

  /// Opens the file or makes it, checks it whole and brings its schema up to date.
  static Database open(Path file, Schema schema) {
    try {
      Session writer = connect(file);
      try {
        schema.prepare(writer, file);
        Database database = new Database(file, writer);
        database.connectReaders();
        return database;
      } catch (SQLException | RuntimeException e) {
        writer.close();
        throw e;
      }
    } catch (SQLException e) {
      throw failure(file, e);
    }
  }

  private void connectReaders() throws SQLException {
    synchronized (readers) {
      for (int i = 0; i < READERS; i++) {
        Session reader = connect(file);
        readers.push(reader);
        reader.script("PRAGMA query_only = ON");
      }
    }
  }

  private static Session connect(Path file) throws SQLException {
    SQLiteConfig settings = new SQLiteConfig();
    settings.setBusyTimeout(BUSY_MILLIS);
    settings.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    settings.enforceForeignKeys(true);
    settings.setJournalSizeLimit(LOG_BYTES);
    return new Session(settings.createConnection("jdbc:sqlite:" + file));
  }

  /// One query, on what was committed last.
  <T> T read(Work<T> work) {
    free.acquireUninterruptibly();
    try {
      Session reader = take();
      try {
        return work.run(reader);
      } catch (SQLException e) {
        throw failure(file, e);
      } finally {
        synchronized (readers) {
          readers.push(reader);
        }
      }
    } finally {
      free.release();
    }
  }

  /// Writes what was committed last into an empty file. Takes long, so on a connection of its own.
  static void copy(Path file, Path target) {
    try (Session session = connect(file)) {
      Schema.requireOurs(session, file);
      session.run("VACUUM INTO ?", target);
    } catch (SQLException e) {
      throw failure(file, e);
    }
  }

  /// Hears every statement, of readers and writer; for tests, while nothing else runs.
  void listen(Consumer<String> heard) {
    synchronized (readers) {
      readers.forEach(reader -> reader.listen(heard));
    }
    writing.lock();
    try {
      writer.listen(heard);
    } finally {
      writing.unlock();
    }
  }

  Path file() {
    requireOpen();
    return file;
  }

  private Session take() {
    synchronized (readers) {
      requireOpen();
      return readers.pop();
    }
  }

  /// All of it or, when `work` throws, nothing. Durable on return.
  <T> T write(Work<T> work) {
    writing.lock();
    try {
      requireOpen();
      writer.begin();
      try {
        T result = work.run(writer);
        writer.commit();
        return result;
      } catch (SQLException | RuntimeException e) {
        undo(e);
        throw e;
      }
    } catch (SQLException e) {
      throw failure(file, e);
    } finally {
      writing.unlock();
    }
  }

  void change(Change change) {
    write(
        session -> {
          change.run(session);
          return true;
        });
  }

  @GuardedBy("writing")
  private void undo(Exception cause) {
    try {
      writer.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(file + " is closed");
    }
  }

  /// Waits for the calls under way; later ones throw. Writes the log back into the file.
  @Override
  public void close() {
    writing.lock();
    free.acquireUninterruptibly(READERS);
    try {
      if (!closed) {
        closed = true;
        closeAll();
      }
    } catch (SQLException e) {
      throw failure(file, e);
    } finally {
      free.release(READERS);
      writing.unlock();
    }
  }

  @GuardedBy("writing")
  private void closeAll() throws SQLException {
    synchronized (readers) {
      for (Session reader : readers) {
        reader.close();
      }
      readers.clear();
    }
    writer.close();
  }

  /// What SQLite's error means: damage, a disk that can't now, or a bug of ours.
  static RuntimeException failure(Path file, SQLException error) {
    SQLiteErrorCode code =
        error instanceof SQLiteException known
            ? known.getResultCode()
            : SQLiteErrorCode.UNKNOWN_ERROR;
    // The low byte is the kind; the rest says more of it.
    int kind = code.code & 0xFF;
    if (kind == SQLiteErrorCode.SQLITE_CORRUPT.code || kind == SQLiteErrorCode.SQLITE_NOTADB.code) {
      return new StateException(Schema.damaged(file, String.valueOf(error.getMessage())), error);
    }
    if (kind == SQLiteErrorCode.SQLITE_CONSTRAINT.code
        || kind == SQLiteErrorCode.SQLITE_ERROR.code
        || kind == SQLiteErrorCode.SQLITE_MISUSE.code) {
      return new IllegalStateException("state: " + error.getMessage(), error);
    }
    return new StateException(
        new StateException.Unavailable(file + " can't be used now: " + error.getMessage()), error);
  }
}
