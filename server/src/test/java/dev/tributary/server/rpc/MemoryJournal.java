package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.Kind;
import dev.tributary.record.Record;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A journal that a test reads, holds up and breaks.
final class MemoryJournal implements Journal {
  private record Waiting(Record record, CompletableFuture<Long> index) {}

  @GuardedBy("this")
  private final List<Record> durable = new ArrayList<>();

  @GuardedBy("this")
  private final List<Waiting> waiting = new ArrayList<>();

  @GuardedBy("this")
  private Predicate<Record> held = record -> false;

  @GuardedBy("this")
  private @Nullable RuntimeException broken;

  @Override
  public boolean isOn() {
    return true;
  }

  @Override
  public synchronized void checkOpen() {
    if (broken != null) {
      throw broken;
    }
  }

  @Override
  public CompletableFuture<Long> append(Record record) {
    CompletableFuture<Long> index = new CompletableFuture<>();
    synchronized (this) {
      if (broken != null) {
        index.completeExceptionally(broken);
      } else if (held.test(record)) {
        waiting.add(new Waiting(record, index));
      } else {
        index.complete(add(record));
      }
    }
    return index;
  }

  @GuardedBy("this")
  private long add(Record record) {
    durable.add(record);
    return durable.size() - 1L;
  }

  /// Records of this kind are not durable until [#release].
  synchronized void hold(Kind kind) {
    held = record -> record.kind() == kind;
  }

  void release() {
    List<Waiting> all;
    synchronized (this) {
      all = List.copyOf(waiting);
      waiting.clear();
      held = record -> false;
    }
    for (Waiting one : all) {
      long index;
      synchronized (this) {
        index = add(one.record);
      }
      one.index.complete(index);
    }
  }

  /// Fails what waits and all that comes.
  void breakDown(StatusRuntimeException cause) {
    List<Waiting> all;
    synchronized (this) {
      broken = cause;
      all = List.copyOf(waiting);
      waiting.clear();
    }
    all.forEach(one -> one.index.completeExceptionally(cause));
  }

  /// Takes records again.
  synchronized void mend() {
    broken = null;
    held = record -> false;
  }

  synchronized boolean isWaiting() {
    return !waiting.isEmpty();
  }

  synchronized List<Record> records() {
    return List.copyOf(durable);
  }

  /// All durable records of a kind.
  <R extends Record> List<R> records(Class<R> kind) {
    return records().stream().filter(kind::isInstance).map(kind::cast).toList();
  }
}
