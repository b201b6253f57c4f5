package dev.tributary.server.bench;

import dev.tributary.server.ledger.Log;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Appends leaves for a while, with so many under way at a time or so many a second.
final class LedgerRun {
  /// Of so many leaves, one is proved: more would measure the thread that computes proofs.
  private static final int PROVED = 256;

  private static final double NANOS = 1e9;

  private final Log log;
  private final int flight;
  private final int rate;
  private final int bytes;
  private final RandomGenerator random;
  private final Semaphore free;
  private final Samples durable = new Samples();
  private final Samples proof = new Samples();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  /// @param flight most leaves under way
  /// @param rate leaves a second; 0 for as many as go
  /// @param bytes of a leaf
  LedgerRun(Log log, int flight, int rate, int bytes, RandomGenerator random) {
    this.log = log;
    this.flight = flight;
    this.rate = rate;
    this.bytes = bytes;
    this.random = random;
    this.free = new Semaphore(flight);
  }

  /// @param perSecond leaves
  /// @param durable from when a leaf was due until it was durable
  /// @param proof from when it was due until there was a proof against a log-signed checkpoint,
  ///   which was checked
  record Result(
      int flight,
      int rate,
      double perSecond,
      Samples.Summary durable,
      Samples.Summary proof,
      long treeSize) {}

  Result run(int seconds) throws InterruptedException {
    long start = System.nanoTime();
    long end = start + TimeUnit.SECONDS.toNanos(seconds);
    long leaves = 0;
    // Whoever waits for many proofs would have threads for it, too.
    try (ExecutorService prover = Executors.newSingleThreadExecutor()) {
      for (long now = start; now < end && failure.get() == null; now = System.nanoTime()) {
        long due = rate == 0 ? now : start + (long) (leaves * NANOS / rate);
        while (System.nanoTime() < due) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        free.acquire();
        append(rate == 0 ? System.nanoTime() : due, leaves++ % PROVED == 0, prover);
      }
      free.acquire(flight);
      double took = (System.nanoTime() - start) / NANOS;
      // Proofs are asked for by answers that came before.
      if (log.durable() > 0) {
        log.covering(log.durable() - 1).join();
      }
      prover.shutdown();
      if (!prover.awaitTermination(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("proofs do not end");
      }
      Throwable failed = failure.get();
      if (failed != null) {
        throw new IllegalStateException(failed);
      }
      return new Result(
          flight, rate, leaves / took, durable.summary(), proof.summary(), log.durable());
    }
  }

  private void append(long due, boolean prove, ExecutorService prover) {
    byte[] leaf = new byte[bytes];
    random.nextBytes(leaf);
    // Answers come on one thread, so that samples need no lock.
    var _ =
        log.append(leaf, null)
            .whenComplete(
                (index, e) -> {
                  durable.add(System.nanoTime() - due);
                  free.release();
                  if (e != null) {
                    failure.set(e);
                  } else if (prove) {
                    prove(due, leaf, index, prover);
                  }
                });
  }

  private void prove(long due, byte[] leaf, long index, ExecutorService prover) {
    var _ =
        log.covering(index)
            .thenAcceptAsync(note -> check(leaf, index, note), prover)
            .whenComplete(
                (_, e) -> {
                  proof.add(System.nanoTime() - due);
                  if (e != null) {
                    failure.set(e);
                  }
                });
  }

  private void check(byte[] leaf, long index, Note note) {
    Checkpoint checkpoint = Checkpoint.parse(note.text());
    List<Hash> path = log.inclusion(index, checkpoint.size());
    if (!Merkle.included(Merkle.leaf(leaf), index, checkpoint.size(), path, checkpoint.root())) {
      throw new IllegalStateException("the proof of leaf " + index + " is wrong");
    }
  }
}
