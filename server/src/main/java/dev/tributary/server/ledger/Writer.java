package dev.tributary.server.ledger;

import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Writes what waits, a batch at a time: side data and their force, leaves and their force, then
/// the answers.
final class Writer {
  private final Store store;
  private final Signers signers;
  private final @Nullable SideWriter side;
  private final Layout layout;
  private final Health health;
  private final Executor answers;
  private final int most;
  private final BlockingQueue<Pending> queue;

  /// Leaves that were taken and not answered yet, so that slow readers of answers count too.
  private final AtomicInteger waiting = new AtomicInteger();

  private volatile boolean closed;

  /// @param answers tells those who wait, in the order of what it is given
  Writer(
      Store store,
      Signers signers,
      @Nullable SideWriter side,
      Layout layout,
      Health health,
      Executor answers,
      int most) {
    this.store = store;
    this.signers = signers;
    this.side = side;
    this.layout = layout;
    this.health = health;
    this.answers = answers;
    this.most = most;
    this.queue = new ArrayBlockingQueue<>(most);
  }

  /// Any thread's.
  CompletableFuture<Long> append(List<byte[]> leaves, byte @Nullable [] sideData) {
    return add(new Pending(leaves, sideData, null, new CompletableFuture<>()));
  }

  /// Any thread's.
  CompletableFuture<Long> rotate(SigningKey next) {
    return add(new Pending(List.of(), null, next, new CompletableFuture<>()));
  }

  private CompletableFuture<Long> add(Pending pending) {
    CompletableFuture<Long> written = pending.written();
    LedgerBroken broken = health.failure().orElse(null);
    if (broken != null || closed) {
      written.completeExceptionally(broken == null ? closed() : broken);
      return written;
    }
    int before = waiting.getAndAdd(pending.count());
    boolean full = before > 0 && before + pending.count() > most;
    if (full || !queue.offer(pending)) {
      waiting.addAndGet(-pending.count());
      written.completeExceptionally(new LedgerBusy(before));
    } else if (closed && queue.remove(pending)) {
      written.completeExceptionally(closed());
    }
    return written;
  }

  private static LedgerBroken closed() {
    return new LedgerBroken("the ledger is closed", null);
  }

  /// The writer thread's: writes a batch of what waits, after waiting for something up to `nanos`.
  ///
  /// @return leaves that were written
  int doWork(long nanos) throws InterruptedException {
    Pending first = queue.poll(nanos, TimeUnit.NANOSECONDS);
    if (first == null) {
      return 0;
    }
    List<Pending> batch = new ArrayList<>();
    int leaves = 0;
    int bytes = 0;
    for (Pending next = first; next != null; next = queue.poll()) {
      batch.add(next);
      leaves += next.count();
      bytes += next.bytes();
      if (leaves >= layout.batchLeaves() || bytes >= layout.batchBytes()) {
        break;
      }
    }
    long index = store.size();
    try {
      if (health.failure().isEmpty()) {
        write(batch);
      }
    } catch (IOException | RuntimeException | Error e) {
      health.fail("the ledger cannot be written", e);
      if (e instanceof Error error) {
        throw error;
      }
    } finally {
      LedgerBroken broken = health.failure().orElse(null);
      int answered = leaves;
      answers.execute(
          () -> {
            waiting.addAndGet(-answered);
            answer(batch, index, broken);
          });
    }
    return leaves;
  }

  private void write(List<Pending> batch) throws IOException {
    List<byte[]> leaves = new ArrayList<>();
    boolean force = false;
    for (Pending pending : batch) {
      long index = store.size() + leaves.size();
      byte[] data = pending.side();
      if (pending.nextKey() == null) {
        leaves.addAll(pending.leaves());
      } else {
        // It has nothing that is private.
        leaves.add(signers.rotate(pending.nextKey(), index).leaf().encode());
      }
      if (data != null && side != null) {
        side.write(store.size() + leaves.size() - 1, data);
        force = true;
      }
    }
    if (force && side != null) {
      side.force();
    }
    store.append(leaves);
  }

  private static void answer(List<Pending> batch, long first, @Nullable LedgerBroken failure) {
    long index = first;
    for (Pending pending : batch) {
      index += pending.count();
      if (failure == null) {
        pending.written().complete(index - 1);
      } else {
        pending.written().completeExceptionally(failure);
      }
    }
  }

  /// Takes nothing more; what waits is still written.
  void close() {
    closed = true;
  }
}
