package dev.tributary.server.rpc;

import dev.tributary.server.ledger.Log;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/// Tells those who watch of the log's checkpoints.
final class CheckpointFeed {
  /// Between looks for what the witnesses, which are other machines, have signed.
  private static final long LOOK = TimeUnit.MILLISECONDS.toNanos(100);

  private final Log log;
  private final List<Consumer<Note>> watchers = new CopyOnWriteArrayList<>();

  CheckpointFeed(Log log) {
    this.log = log;
    log.watch(note -> watchers.forEach(watcher -> watcher.accept(note)));
  }

  /// One watch: the newest checkpoint, then each one that comes.
  ///
  /// Checkpoints are gathered from before the newest is read, so none is missed.
  ///
  /// @param answer as the contract tells of a checkpoint
  void run(
      Call<dev.tributary.v1.Checkpoint> call,
      PacedStream<dev.tributary.v1.Checkpoint> responses,
      Function<Note, dev.tributary.v1.Checkpoint> answer) {
    Backlog<Note> waiting = new Backlog<>(call);
    Consumer<Note> watcher = waiting::add;
    watchers.add(watcher);
    try {
      Note told = log.checkpoint();
      responses.send(answer.apply(told));
      while (true) {
        Note next = waiting.next();
        if (size(next) > size(told)) {
          told = next;
          responses.send(answer.apply(told));
        }
      }
    } finally {
      watchers.remove(watcher);
    }
  }

  /// The same of checkpoints that come from elsewhere and are looked for now and then.
  static void run(
      Supplier<Note> newest,
      Call<dev.tributary.v1.Checkpoint> call,
      PacedStream<dev.tributary.v1.Checkpoint> responses,
      Function<Note, dev.tributary.v1.Checkpoint> answer) {
    long told = -1;
    while (true) {
      Note note = newest.get();
      if (size(note) > told) {
        told = size(note);
        responses.send(answer.apply(note));
      }
      look(call);
    }
  }

  /// Waits a little.
  ///
  /// @throws CancellationException if the call has ended
  static void look(Call<?> call) {
    LockSupport.parkNanos(LOOK);
    if (call.isOver()) {
      throw new CancellationException();
    }
  }

  static long size(Note note) {
    return Checkpoint.parse(note.text()).size();
  }
}
