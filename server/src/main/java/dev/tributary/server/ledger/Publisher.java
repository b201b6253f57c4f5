package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.NoteSignature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Signs checkpoints. Nobody sees one before the disk and the anchor have it.
final class Publisher {
  /// Turns in a row, some 20 seconds.
  private static final int MOST_FAILED_READS = 100;

  private final Store store;
  private final Checkpoints checkpoints;
  private final Signers signers;
  private final @Nullable Anchor anchor;
  private final Health health;
  private final Executor answers;
  private final ConcurrentNavigableMap<Long, CompletableFuture<Note>> waiting =
      new ConcurrentSkipListMap<>();
  private final List<Consumer<Note>> watchers = new CopyOnWriteArrayList<>();
  private volatile Published newest;

  /// In a row; the publisher thread's.
  private int failedReads;

  /// @param size of the note's checkpoint
  private record Published(long size, Note note) {}

  Publisher(
      Store store,
      Checkpoints checkpoints,
      Signers signers,
      @Nullable Anchor anchor,
      Health health,
      Executor answers)
      throws IOException {
    this.store = store;
    this.checkpoints = checkpoints;
    this.signers = signers;
    this.anchor = anchor;
    this.health = health;
    this.answers = answers;
    var _ = health.whenBroken().thenAcceptAsync(this::fail, answers);
    Note last = checkpoints.last().orElse(null);
    newest =
        last == null
            ? sign(store.size(), store.root(store.size()))
            : new Published(Checkpoint.parse(last.text()).size(), last);
    if (anchor != null) {
      // Whoever wrote it before us may have ended before it was durable.
      anchor.write(newest.note());
    }
  }

  private Published sign(long size, Hash root) throws IOException {
    Checkpoint checkpoint = new Checkpoint(signers.origin(), size, root);
    NoteSignature signature = signers.of(size).sign(checkpoint.text());
    checkpoints.add(checkpoint, signature);
    return new Published(size, new Note(checkpoint.text(), List.of(signature)));
  }

  /// Whether leaves are durable that no checkpoint covers.
  boolean due() {
    return health.failure().isEmpty() && store.size() > newest.size();
  }

  /// The publisher thread's: publishes a checkpoint if one is due. Then there is time for a mark.
  void doWork() {
    if (!due()) {
      return;
    }
    long size = store.size();
    Hash root;
    try {
      root = store.root(size);
      failedReads = 0;
    } catch (UncheckedIOException e) {
      // Nothing was written, so nothing is lost: too many files may be open.
      if (++failedReads == MOST_FAILED_READS) {
        health.fail("no checkpoint can be published", e);
      }
      return;
    }
    try {
      Published next = sign(size, root);
      if (anchor != null) {
        anchor.write(next.note());
      }
      newest = next;
      answers.execute(() -> tell(next));
      if (store.markDue()) {
        store.mark();
      }
    } catch (IOException | RuntimeException e) {
      health.fail("no checkpoint can be published", e);
    }
  }

  private void tell(Published published) {
    watchers.forEach(watcher -> watcher.accept(published.note()));
    answerUpTo(published);
  }

  private void answerUpTo(Published published) {
    Map<Long, CompletableFuture<Note>> covered = waiting.headMap(published.size());
    for (Long index : List.copyOf(covered.keySet())) {
      CompletableFuture<Note> wait = waiting.remove(index);
      if (wait != null) {
        wait.complete(published.note());
      }
    }
  }

  private void fail(LedgerBroken broken) {
    waiting.values().forEach(wait -> wait.completeExceptionally(broken));
    waiting.clear();
  }

  Note newest() {
    return newest.note();
  }

  /// Leaves that the newest one covers.
  long size() {
    return newest.size();
  }

  /// The first checkpoint that covers a durable leaf.
  CompletableFuture<Note> covering(long leaf) throws IOException {
    if (leaf >= newest.size()) {
      // One that waits is answered for all that ask for the same leaf; none can cancel for others.
      CompletableFuture<Note> wait =
          waiting.computeIfAbsent(leaf, _ -> new CompletableFuture<>()).copy();
      health.failure().ifPresent(this::fail);
      if (leaf >= newest.size()) {
        return wait;
      }
      answerUpTo(newest);
    }
    return CompletableFuture.completedFuture(checkpoints.from(leaf + 1).orElseThrow());
  }

  void watch(Consumer<Note> watcher) {
    watchers.add(watcher);
  }
}
