package dev.tributary.server.attribution;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.record.Evidence;
import dev.tributary.record.Evidence.Limit;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Finds out whose data answers are of: spans and base share at once, influence in turn, on the
/// device, several answers of one version in a pass.
///
/// Answers wait in a bounded queue; one that finds it full gets what is known without its gradient.
/// All methods may be called by any thread and don't block, but [#close].
public final class Attributor implements AutoCloseable {
  /// Answers that may wait: beside a loaded server they take seconds, and nobody waits a minute.
  public static final int BACKLOG = 64;

  /// Answers of a pass. More would make its pieces longer, for which the tokens of others wait.
  private static final int TOGETHER = 2;

  private final GradientPass pass;
  private final Device device;
  private final Tokenizer tokenizer;

  @GuardedBy("this")
  private final Deque<Waiting> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean working;

  @GuardedBy("this")
  private boolean closed;

  /// Of the version that was asked last; used by one batch at a time.
  private @Nullable Kept kept;

  private record Waiting(
      VersionIndex index, LoraWeights weights, Answer answer, CompletableFuture<Evidence> result) {}

  private record Kept(LoraWeights weights, Sketcher sketcher) {}

  /// @param pass used by this alone; its tokens are the most of an answer with its prompt
  /// @param device that runs its pieces
  public Attributor(GradientPass pass, Device device, Tokenizer tokenizer) {
    this.pass = pass;
    this.device = device;
    this.tokenizer = tokenizer;
  }

  /// @param weights the version's, in memory until the result is there
  public CompletableFuture<Evidence> attribute(
      VersionIndex index, LoraWeights weights, Answer answer) {
    if (answer.output().length == 0) {
      return limited(index, answer, Limit.EMPTY);
    }
    if (answer.prompt().length + answer.output().length - 1 > pass.maxTokens()) {
      return limited(index, answer, Limit.TOO_LONG);
    }
    Waiting own = new Waiting(index, weights, answer, new CompletableFuture<>());
    synchronized (this) {
      if (closed || waiting.size() == BACKLOG) {
        return limited(index, answer, Limit.BACKLOG);
      }
      waiting.add(own);
      if (working) {
        return own.result;
      }
      working = true;
    }
    work();
    return own.result;
  }

  private CompletableFuture<Evidence> limited(VersionIndex index, Answer answer, Limit limit) {
    return CompletableFuture.completedFuture(
        new Findings(index, tokenizer).of(answer, null, limit));
  }

  /// Starts the next batch, if there is one; its end starts the one after.
  private void work() {
    List<Waiting> batch = next();
    if (batch.isEmpty()) {
      return;
    }
    Batch pieces = new Batch(batch);
    CompletableFuture<Void> done;
    try {
      done = device.run(pieces);
    } catch (RuntimeException e) {
      done = CompletableFuture.failedFuture(e);
    }
    var unused =
        done.whenCompleteAsync(
            (nothing, failure) -> {
              finish(batch, pieces, failure);
              work();
            });
  }

  /// Up to [#TOGETHER] answers of the version that has waited longest.
  private synchronized List<Waiting> next() {
    List<Waiting> batch = new ArrayList<>();
    waiting.removeIf(each -> each.result.isDone()); // cancelled
    for (Iterator<Waiting> rest = waiting.iterator(); rest.hasNext() && batch.size() < TOGETHER; ) {
      Waiting each = rest.next();
      if (batch.isEmpty() || each.weights == batch.getFirst().weights) {
        batch.add(each);
        rest.remove();
      }
    }
    working = !batch.isEmpty();
    return batch;
  }

  private void finish(List<Waiting> batch, Batch pieces, @Nullable Throwable failure) {
    for (int i = 0; i < batch.size(); i++) {
      Waiting each = batch.get(i);
      if (failure != null) {
        each.result.completeExceptionally(failure);
        continue;
      }
      try {
        each.result.complete(
            new Findings(each.index, tokenizer)
                .of(each.answer, pieces.sketches.get(i), Limit.NONE));
      } catch (RuntimeException e) {
        each.result.completeExceptionally(e);
      }
    }
  }

  /// The gradients of a batch, on the device's thread.
  private final class Batch implements BooleanSupplier {
    final List<Sketch> sketches = new ArrayList<>();
    private final List<Waiting> batch;
    private @Nullable Sketcher sketcher;
    private boolean begun;

    Batch(List<Waiting> batch) {
      this.batch = batch;
    }

    @Override
    public boolean getAsBoolean() {
      Sketcher own = sketcher;
      if (own == null) {
        sketcher = sketcher(batch.getFirst());
        return true;
      }
      if (!begun) {
        List<Sequence> rest =
            batch.subList(sketches.size(), batch.size()).stream()
                .map(each -> each.answer.sequence())
                .toList();
        own.begin(rest.subList(0, own.fitting(rest)));
        begun = true;
        return true;
      }
      if (own.advance()) {
        return true;
      }
      sketches.addAll(own.sketches());
      begun = false;
      return sketches.size() < batch.size();
    }
  }

  /// The last version's is kept: requests for one come together.
  private Sketcher sketcher(Waiting of) {
    Kept last = kept;
    if (last != null && last.weights == of.weights) {
      return last.sketcher;
    }
    if (last != null) {
      kept = null;
      last.sketcher.close();
    }
    Sketcher sketcher = new Sketcher(pass, of.weights, of.index.about().sketch(), 0, TOGETHER);
    kept = new Kept(of.weights, sketcher);
    return sketcher;
  }

  /// Takes no more answers; those that wait get what is known without their gradients. To be called
  /// when the device works no more.
  @Override
  public void close() {
    List<Waiting> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(waiting);
      waiting.clear();
    }
    for (Waiting each : left) {
      each.result.complete(
          new Findings(each.index, tokenizer).of(each.answer, null, Limit.BACKLOG));
    }
    Kept last = kept;
    if (last != null) {
      last.sketcher.close();
      kept = null;
    }
    pass.close();
  }
}
