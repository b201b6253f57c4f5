package dev.tributary.server.accounts;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One connection that writes and a few that read beside it, each made when it is needed. One on
/// which anything failed is closed and replaced, since the database may have been started again.
final class Database implements AutoCloseable {
  /// What is done in one transaction.
  interface Work<T> {
    T run(Session session) throws SQLException;
  }

  /// Reads at the same time; more threads wait.
  private static final int READERS = 4;

  private final String url;
  private final Dialect dialect;
  private final ReentrantLock writing = new ReentrantLock(true);

  @GuardedBy("writing")
  private @Nullable Session writer;

  private final Semaphore free = new Semaphore(READERS, true);

  @GuardedBy("readers")
  private final Deque<Session> readers = new ArrayDeque<>(READERS);

  private volatile boolean closed;

  /// @param url of JDBC
  Database(String url) {
    this.url = url;
    this.dialect = Dialect.of(url);
  }

  Dialect dialect() {
    return dialect;
  }

  /// All that `work` reads is of one state, that which was committed last.
  <T> T read(Work<T> work) {
    free.acquireUninterruptibly();
    try {
      Session session = take();
      T result = inTransaction(session, dialect.read(), work);
      give(session);
      return result;
    } catch (SQLException e) {
      throw failure(e);
    } finally {
      free.release();
    }
  }

  private Session take() throws SQLException {
    Session idle = idle();
    while (idle != null) {
      if (idle.valid()) {
        return idle;
      }
      idle.close();
      idle = idle();
    }
    return dialect.connect(url);
  }

  private @Nullable Session idle() {
    synchronized (readers) {
      requireOpen();
      return readers.poll();
    }
  }

  private void give(Session session) throws SQLException {
    synchronized (readers) {
      if (!closed) {
        readers.push(session);
        return;
      }
    }
    session.close();
  }

  /// All of it or, when `work` throws, nothing.
  <T> T write(Work<T> work) {
    writing.lock();
    try {
      requireOpen();
      Session session = writer;
      writer = null;
      if (session == null) {
        session = connectWriter();
      }
      T result = inTransaction(session, dialect.write(), work);
      writer = session;
      return result;
    } catch (SQLException e) {
      throw failure(e);
    } finally {
      writing.unlock();
    }
  }

  private Session connectWriter() throws SQLException {
    Session session = dialect.connect(url);
    try {
      for (String claim : dialect.claim()) {
        session.script(claim);
      }
      if (!dialect.claim().isEmpty()) {
        session.commit();
      }
    } catch (SQLException e) {
      session.close();
      throw new AccountsException(
          new AccountsException.Unavailable("another process writes to " + name()), e);
    }
    return session;
  }

  /// Closes the session when anything failed, which undoes all.
  private static <T> T inTransaction(Session session, String begin, Work<T> work)
      throws SQLException {
    try {
      session.begin(begin);
      T result = work.run(session);
      session.commit();
      return result;
    } catch (SQLException | RuntimeException | Error e) {
      try {
        session.close();
      } catch (SQLException closing) {
        e.addSuppressed(closing);
      }
      throw e;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the accounts are closed");
    }
  }

  private AccountsException failure(SQLException error) {
    return new AccountsException(
        new AccountsException.Unavailable(
            "%s can't be used now: %s (it can be deleted, and is made again from the ledger)"
                .formatted(name(), error.getMessage())),
        error);
  }

  /// The URL without what may be a password.
  private String name() {
    return url.replaceAll("\\?.*", "").replaceAll("//[^/]*@", "//");
  }

  /// Waits for the calls under way; later ones throw.
  @Override
  public void close() {
    writing.lock();
    free.acquireUninterruptibly(READERS);
    try {
      closed = true;
      if (writer != null) {
        writer.close();
        writer = null;
      }
      synchronized (readers) {
        for (Session reader : readers) {
          reader.close();
        }
        readers.clear();
      }
    } catch (SQLException e) {
      throw failure(e);
    } finally {
      free.release(READERS);
      writing.unlock();
    }
  }
}
