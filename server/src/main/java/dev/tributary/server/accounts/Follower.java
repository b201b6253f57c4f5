package dev.tributary.server.accounts;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.ledger.Entry;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The one thread that writes the view: it posts every leaf of the log, in their order.
final class Follower implements AutoCloseable {
  /// Leaves of a transaction, which is worth it from some hundred on.
  private static final int BATCH = 2_048;

  /// Checks for new leaves so often though nobody said that there are any.
  private static final long IDLE = TimeUnit.MILLISECONDS.toNanos(200);

  /// Between attempts while the database can't be used.
  private static final long RETRY = TimeUnit.SECONDS.toNanos(1);

  private final Database database;
  private final Ledger ledger;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /// Leaves that were posted.
  private volatile long next;

  @GuardedBy("lock")
  private @Nullable RuntimeException failure;

  @GuardedBy("lock")
  private boolean appended;

  private volatile boolean closing;

  Follower(Database database, Ledger ledger) {
    this.database = database;
    this.ledger = ledger;
    this.thread = Thread.ofPlatform().name("accounts-follower").unstarted(this::run);
    this.next = database.write(session -> prepare(session, database.dialect()));
  }

  /// Starts over where the view is of another log, or of leaves that this one lost.
  private long prepare(Session session, Dialect dialect) throws SQLException {
    Schema.prepare(session, dialect, ledger.log().origin());
    long posted =
        session.one("SELECT next_leaf FROM followed", row -> row.getLong(1)).orElseThrow();
    String hash =
        session.one("SELECT last_hash FROM followed", row -> row.getString(1)).orElseThrow();
    boolean known =
        posted == 0 || (posted <= ledger.log().durable() && hash.equals(hashOf(posted - 1).text()));
    if (known) {
      return posted;
    }
    Schema.create(session, dialect, ledger.log().origin());
    return 0;
  }

  private static long posted(Session session) throws SQLException {
    return session.one("SELECT next_leaf FROM followed", row -> row.getLong(1)).orElseThrow();
  }

  private Hash hashOf(long leaf) {
    return Merkle.leaf(ledger.log().leaf(leaf));
  }

  void start() {
    ledger.whenAppended(this::wake);
    thread.start();
  }

  private void wake() {
    lock.lock();
    try {
      appended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Leaves that were posted.
  long next() {
    return next;
  }

  /// Waits until a leaf is posted.
  ///
  /// @return false if it is not within this time
  /// @throws AccountsException if the view can't be written now
  boolean await(long leaf, Duration most) throws InterruptedException {
    long left = most.toNanos();
    lock.lock();
    try {
      while (next <= leaf) {
        if (failure != null) {
          throw new AccountsException(
              new AccountsException.Unavailable("the accounts lag behind: " + failure.getMessage()),
              failure);
        }
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    while (!closing) {
      try {
        if (doWork()) {
          told(null);
        } else {
          pause(IDLE);
        }
      } catch (RuntimeException e) {
        told(e);
        pause(RETRY);
      }
    }
  }

  /// Posts what there is, up to a batch.
  ///
  /// @return whether there was anything
  boolean doWork() {
    lock.lock();
    try {
      appended = false;
    } finally {
      lock.unlock();
    }
    if (ledger.log().durable() == next) {
      return false;
    }
    next = database.write(this::post);
    return true;
  }

  /// The database says where to go on: it may have lost what it had.
  private long post(Session session) throws SQLException {
    Posting posting = new Posting(session);
    long from = posted(session);
    long at = from;
    Hash last = Merkle.EMPTY;
    List<Entry> entries = ledger.entries(at, BATCH);
    while (!entries.isEmpty()) {
      for (Entry entry : entries) {
        posting.post(entry);
      }
      at += entries.size();
      last = entries.getLast().leaf().hash();
      entries = ledger.entries(at, (int) (BATCH - (at - from)));
    }
    session.run("UPDATE followed SET next_leaf = ?, last_hash = ?", at, last);
    return at;
  }

  private void told(@Nullable RuntimeException now) {
    lock.lock();
    try {
      failure = now;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void pause(long nanos) {
    lock.lock();
    try {
      long left = nanos;
      while (!closing && left > 0 && (!appended || failure != null)) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      closing = true; // nobody else's thread
    } finally {
      lock.unlock();
    }
  }

  /// Ends after the batch under way.
  @Override
  public void close() {
    closing = true;
    wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
