package dev.tributary.server.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Decides which tokens of which sequences the next step computes.
///
/// A sequence waits, is admitted when a row and its pages are free, has its prompt computed in
/// chunks, then yields a token a step until [#remove]. Not thread safe.
public final class Scheduler {
  /// A class that was passed over this often is admitted next, whatever waits above it.
  private static final int MAX_PASSES = 8;

  private final Limits limits;
  private final Pages pages;

  /// One for each class, the highest first.
  private final List<Queue> queues =
      Stream.generate(Queue::new).limit(Priority.values().length).toList();

  private final Map<Long, Sequence> sequences = new HashMap<>();

  /// In the order of admission.
  private final Map<Long, Sequence> running = new LinkedHashMap<>();

  public Scheduler(Limits limits) {
    this.limits = limits;
    pages = new Pages(limits.pages);
  }

  /// Queues a sequence.
  ///
  /// @param id not in use
  /// @param promptTokens to compute before the first token is generated, at least 1
  /// @param maxTokens most tokens that will be generated; 0 where only the prompt is wanted
  /// @throws IllegalStateException if as many wait as may
  /// @throws IllegalArgumentException if it can never fit
  public void add(long id, Priority priority, int promptTokens, int maxTokens) {
    if (waiting() >= limits.maxWaiting) {
      throw new IllegalStateException(waiting() + " sequences wait");
    }
    int needed = limits.pagesFor(promptTokens + maxTokens);
    if (promptTokens < 1 || maxTokens < 0 || needed > pages.total()) {
      throw new IllegalArgumentException(
          promptTokens + " + " + maxTokens + " tokens over " + pages.total() + " pages");
    }
    Sequence sequence = new Sequence(id, priority, promptTokens, maxTokens);
    if (sequences.putIfAbsent(id, sequence) != null) {
      throw new IllegalArgumentException("sequence " + id + " is there already");
    }
    queue(priority).sequences.add(sequence);
  }

  /// Admits what fits and plans the next step. Nothing is advanced until [#stepDone], so a step
  /// that failed is planned again for those of its sequences that stay.
  public Plan plan() {
    List<Long> admitted = admit();
    List<Plan.Slice> slices = new ArrayList<>();
    int budget = limits.stepTokens;
    for (Sequence sequence : running.values()) {
      if (sequence.decodes()) {
        slices.add(sequence.slice(1));
        budget--;
      }
    }
    for (Sequence sequence : running.values()) {
      if (sequence.decodes()) {
        continue;
      }
      int chunk = sequence.nextChunk(limits.chunk);
      if (chunk > budget) {
        break; // The first chunk always fits: stepTokens >= maxRows + chunk.
      }
      slices.add(sequence.slice(chunk));
      budget -= chunk;
    }
    return new Plan(admitted, slices);
  }

  /// The slices were computed, and each sequence whose prompt is complete has one more token.
  public void stepDone(List<Plan.Slice> slices) {
    for (Plan.Slice slice : slices) {
      Sequence sequence = running.get(slice.id());
      if (sequence != null) {
        sequence.computed += slice.count();
      }
    }
  }

  /// The sequence is finished or cancelled: its row and pages are free. False if it is not here.
  public boolean remove(long id) {
    Sequence sequence = sequences.remove(id);
    if (sequence == null) {
      return false;
    }
    if (running.remove(id) == null) {
      queue(sequence.priority).sequences.remove(sequence);
    } else {
      pages.giveBack(sequence.pages);
    }
    return true;
  }

  public int running() {
    return running.size();
  }

  public int waiting() {
    return sequences.size() - running.size();
  }

  public int freePages() {
    return pages.free();
  }

  private List<Long> admit() {
    List<Long> admitted = new ArrayList<>();
    while (running.size() < limits.maxRows) {
      Sequence next = next();
      if (next == null || limits.pagesFor(next.tokens()) > pages.free()) {
        break;
      }
      queue(next.priority).sequences.remove();
      countPasses(queue(next.priority));
      next.pages = pages.take(limits.pagesFor(next.tokens()));
      running.put(next.id, next);
      admitted.add(next.id);
    }
    return admitted;
  }

  /// The oldest of the highest class, or of one that was passed over too often.
  private @Nullable Sequence next() {
    Sequence first = null;
    for (Queue queue : queues) {
      Sequence head = queue.sequences.peek();
      if (head != null && queue.passes >= MAX_PASSES) {
        return head;
      }
      first = first == null ? head : first;
    }
    return first;
  }

  private void countPasses(Queue admitted) {
    admitted.passes = 0;
    for (Queue lower : queues.subList(queues.indexOf(admitted) + 1, queues.size())) {
      lower.passes += lower.sequences.isEmpty() ? 0 : 1;
    }
  }

  private Queue queue(Priority priority) {
    return queues.get(priority.ordinal());
  }

  /// Bounds of the scheduler.
  ///
  /// @param maxRows most sequences running
  /// @param maxWaiting most sequences waiting
  /// @param stepTokens most tokens a step, at least `maxRows + chunk`
  /// @param chunk prompts are cut at multiples of this, in tokens
  /// @param pages pages of the cache
  /// @param pageTokens tokens a page
  public record Limits(
      int maxRows, int maxWaiting, int stepTokens, int chunk, int pages, int pageTokens) {
    public Limits {
      if (maxRows < 1 || maxWaiting < 1 || chunk < 1 || pages < 1 || pageTokens < 1) {
        throw new IllegalArgumentException(
            "rows %d, waiting %d, chunk %d, pages %d of %d tokens"
                .formatted(maxRows, maxWaiting, chunk, pages, pageTokens));
      }
      if (stepTokens < maxRows + chunk) {
        throw new IllegalArgumentException(
            "a step of %d tokens for %d rows and a chunk of %d"
                .formatted(stepTokens, maxRows, chunk));
      }
    }

    int pagesFor(int tokens) {
      return Math.ceilDiv(tokens, pageTokens);
    }
  }

  /// The sequences of a class that wait, the oldest first.
  private static final class Queue {
    final ArrayDeque<Sequence> sequences = new ArrayDeque<>();

    /// Sequences of higher classes admitted while one waited here.
    int passes;
  }

  private static final class Sequence {
    final long id;
    final Priority priority;
    final int promptTokens;
    final int maxTokens;
    int[] pages = {};

    /// Tokens whose keys and values are in the cache.
    int computed;

    Sequence(long id, Priority priority, int promptTokens, int maxTokens) {
      this.id = id;
      this.priority = priority;
      this.promptTokens = promptTokens;
      this.maxTokens = maxTokens;
    }

    int tokens() {
      return promptTokens + maxTokens;
    }

    boolean decodes() {
      return computed >= promptTokens;
    }

    int nextChunk(int chunk) {
      return Math.min((computed / chunk + 1) * chunk, promptTokens) - computed;
    }

    Plan.Slice slice(int count) {
      if (computed + count > tokens()) {
        throw new IllegalStateException(
            "sequence " + id + " runs past its " + tokens() + " tokens");
      }
      return new Plan.Slice(id, computed, count, pages, decodes());
    }
  }
}
