package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Decides which tokens of which sequences the next step computes, and by which path.
///
/// A sequence waits, is admitted, has its prompt computed in chunks, then yields a token a step
/// until [#remove]. It takes pages as it grows; when there are none, the youngest gives its up and
/// is computed again later. Not thread safe.
public final class Scheduler {
  private final Limits limits;
  private final PrefixCache cache;
  private final Pages pages;
  private final FairQueue queue = new FairQueue();
  private final Map<Long, Sequence> sequences = new HashMap<>();

  /// Those that hold pages, and those that had to give them up; the oldest first. All of `running`
  /// are older than all of `preempted`.
  private final List<Sequence> running = new ArrayList<>();

  private final ArrayDeque<Sequence> preempted = new ArrayDeque<>();

  private long preemptions;
  private long prefixTokens;

  public Scheduler(Limits limits) {
    this.limits = limits;
    cache = new PrefixCache(limits.pages(), limits.pageTokens(), limits.chunk());
    pages = new Pages(limits.pages(), cache);
  }

  /// Queues a sequence.
  ///
  /// @throws IllegalStateException if as many wait as may
  /// @throws IllegalArgumentException if its id is in use, or it can never fit
  public void add(Sequence sequence) {
    if (waiting() >= limits.maxWaiting()) {
      throw new IllegalStateException(waiting() + " sequences wait");
    }
    if (limits.pagesFor(sequence.maxLength()) > pages.total()) {
      throw new IllegalArgumentException(
          sequence.maxLength() + " tokens over " + pages.total() + " pages");
    }
    if (sequences.putIfAbsent(sequence.id(), sequence) != null) {
      throw new IllegalArgumentException("sequence " + sequence.id() + " is there already");
    }
    queue.add(sequence);
  }

  /// Admits what fits and plans the next step. Nothing is computed until [#stepDone], so a step
  /// that failed is planned again for those of its sequences that stay.
  public Plan plan() {
    readmit();
    List<Sequence> admitted = preempted.isEmpty() ? admit() : List.of();
    List<Part> parts = new ArrayList<>();
    for (Sequence sequence : List.copyOf(running)) {
      if (sequence.decodes() && makeRoom(sequence, 1, parts)) {
        parts.add(new Part(sequence, 1));
      }
    }
    int budget = parts.isEmpty() ? limits.stepTokens() : limits.busyTokens();
    for (Sequence sequence : List.copyOf(running)) {
      if (sequence.decodes()) {
        continue;
      }
      int count = sequence.nextCount(limits.chunk(), budget);
      if (count > budget) {
        break; // A chunk is never split, and the first one always fits.
      }
      if (makeRoom(sequence, count, parts)) {
        parts.add(new Part(sequence, count));
        budget -= count;
      }
    }
    return new Plan(admitted, slices(parts));
  }

  /// The slices were computed; each sequence whose known tokens are complete has one more.
  public void stepDone(List<Plan.Slice> slices) {
    for (Plan.Slice slice : slices) {
      Sequence sequence = slice.sequence();
      if (!running.contains(sequence)) {
        continue;
      }
      sequence.advance(slice.count(), slice.path());
      boolean wholeChunk =
          slice.count() == limits.chunk()
              && slice.position() % limits.chunk() == 0
              && slice.path() == promptPath();
      int chunkFrom = wholeChunk ? slice.position() : Integer.MAX_VALUE;
      for (Block block = sequence.nextBlock(limits.pageTokens(), chunkFrom);
          block != null;
          block = sequence.nextBlock(limits.pageTokens(), chunkFrom)) {
        cache.offer(block);
      }
      if (sequence.generates() && slice.end() == sequence.length()) {
        queue.charge(sequence.tenant(), sequence.weight(), VirtualTokens.OUTPUT);
      }
    }
  }

  /// The sequence is finished or cancelled: its row and pages are free. False if it is not here.
  public boolean remove(long id) {
    Sequence sequence = sequences.remove(id);
    if (sequence == null) {
      return false;
    }
    if (running.remove(sequence)) {
      pages.giveBack(sequence.giveUp());
    } else if (!preempted.remove(sequence)) {
      queue.remove(sequence);
    }
    return true;
  }

  public Stats stats() {
    return new Stats(
        running.size() + preempted.size(),
        queue.size(),
        pages.available(),
        cache.idle(),
        preemptions,
        prefixTokens);
  }

  private int waiting() {
    return queue.size();
  }

  /// Those that were preempted come before all that wait, the oldest first.
  private void readmit() {
    while (!preempted.isEmpty()) {
      Sequence next = preempted.getFirst();
      List<Block> found = cache.find(next);
      if (!fits(next, found)) {
        return;
      }
      preempted.removeFirst();
      begin(next, found);
    }
  }

  private List<Sequence> admit() {
    List<Sequence> admitted = new ArrayList<>();
    Set<String> adapters = new HashSet<>();
    running.forEach(sequence -> adapters.addAll(sequence.adapters()));
    while (running.size() < limits.maxRows()) {
      Sequence next = queue.next(sequence -> adaptersFit(sequence, adapters));
      List<Block> found = next == null ? List.of() : cache.find(next);
      if (next == null || !fits(next, found)) {
        break;
      }
      queue.admit(next);
      begin(next, found);
      adapters.addAll(next.adapters());
      prefixTokens += next.cachedTokens();
      long computed = next.promptTokens() - next.cachedTokens();
      queue.charge(next.tenant(), next.weight(), VirtualTokens.INPUT * computed);
      admitted.add(next);
    }
    return admitted;
  }

  private void begin(Sequence sequence, List<Block> found) {
    found.forEach(block -> pages.share(block.page()));
    sequence.begin(found, limits.pageTokens());
    running.add(sequence);
  }

  /// Whether what is known of a sequence has room beside what is known of those that run, with a
  /// page for each to grow; so that who is admitted is not preempted at once.
  private boolean fits(Sequence sequence, List<Block> found) {
    if (running.isEmpty()) {
      return true; // Every page is available, and no sequence needs more than all.
    }
    long needed = limits.pagesFor(sequence.length());
    for (Block block : found) {
      needed -= pages.isHeld(block.page()) ? 1 : 0;
    }
    for (Sequence other : running) {
      needed += 1 + limits.pagesFor(other.length()) - other.pages().length;
    }
    return needed <= pages.available();
  }

  /// Whether a sequence may run beside those that use `adapters`.
  private boolean adaptersFit(Sequence sequence, Set<String> adapters) {
    Set<String> all = new HashSet<>(adapters);
    all.addAll(sequence.adapters());
    return adapters.isEmpty()
        || all.size() == adapters.size()
        || all.size() <= limits.maxAdapters();
  }

  /// Takes pages for the next `count` tokens of `sequence`, from whoever is younger if none is
  /// left. False if that is not enough: then it waits, and those older go on.
  private boolean makeRoom(Sequence sequence, int count, List<Part> parts) {
    if (!running.contains(sequence)) {
      return false; // It was preempted for another.
    }
    int missing = limits.pagesFor(sequence.computed() + count) - sequence.pages().length;
    while (missing > pages.available()) {
      Sequence youngest = running.getLast();
      if (youngest == sequence) {
        return false;
      }
      running.removeLast();
      preempted.addFirst(youngest);
      parts.removeIf(part -> part.sequence == youngest);
      pages.giveBack(youngest.giveUp());
      preemptions++;
    }
    for (int i = 0; i < missing; i++) {
      sequence.addPage(pages.take());
    }
    return true;
  }

  /// Tokens whose path is open take the one that is faster with the step's width; the wide path of
  /// some is there for all.
  private List<Plan.Slice> slices(List<Part> parts) {
    int wide = 0;
    for (Part part : parts) {
      wide += boundPath(part.sequence) == ComputePath.NARROW ? 0 : part.count;
    }
    ComputePath faster = wide >= limits.wideFrom() ? ComputePath.WIDE : ComputePath.NARROW;
    List<Plan.Slice> slices = new ArrayList<>(parts.size());
    for (Part part : parts) {
      Sequence sequence = part.sequence;
      ComputePath bound = boundPath(sequence);
      slices.add(
          new Plan.Slice(
              sequence,
              sequence.computed(),
              part.count,
              bound == null ? faster : bound,
              sequence.logitsFrom(),
              sequence.pages()));
    }
    return slices;
  }

  /// The path of a sequence's next tokens, or null if it is open: that of tokens generated, unless
  /// they must repeat. A prompt takes always the same, so that its pages serve whoever shares them
  /// and a request alone is answered as before.
  private @Nullable ComputePath boundPath(Sequence sequence) {
    ComputePath bound = sequence.boundPath();
    if (bound != null) {
      return bound;
    }
    if (sequence.computed() < sequence.promptTokens()) {
      return promptPath();
    }
    return sequence.repeatable() ? ComputePath.NARROW : null;
  }

  /// By which path prompts are computed.
  private ComputePath promptPath() {
    return limits.hasWidePath() ? ComputePath.WIDE : ComputePath.NARROW;
  }

  /// The next tokens of a sequence that a step has room for.
  private record Part(Sequence sequence, int count) {}

  /// What the scheduler holds at one moment.
  ///
  /// @param running sequences admitted and not ended, preempted ones too
  /// @param waiting sequences never admitted
  /// @param freePages pages that no sequence holds
  /// @param cachedPages those of them that keep a prefix until they are needed
  /// @param preemptions how often a sequence gave its pages up, since the start
  /// @param prefixTokens tokens of prompts that the prefix cache had, since the start
  public record Stats(
      int running,
      int waiting,
      int freePages,
      int cachedPages,
      long preemptions,
      long prefixTokens) {}
}
