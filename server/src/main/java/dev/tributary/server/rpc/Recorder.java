package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.identity.ComputePath;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Record;
import dev.tributary.record.SamplingParameters;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.ledger.LedgerBusy;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.tlog.Hash;
import dev.tributary.v1.ReplayResult;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps the ledger's records of generations.
///
/// A generation that leaves the queue has a Started record, durable before its first delta is sent,
/// and, however it ends, a Generation record, durable before its last one is; both bear its id. An
/// Attribution record follows at once. Until attribution is built it says what is known: an answer
/// without adapters is the base's own, of any other nothing can be told.
final class Recorder {
  /// Of answers without adapters.
  static final String BASE_ONLY = "base-only-v1";

  /// Of all others.
  static final String UNATTRIBUTED = "unattributed-v1";

  /// While the ledger is full.
  private static final int ATTEMPTS = 1_000;

  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

  private static final Logger log = LoggerFactory.getLogger(Recorder.class);

  private final Journal journal;
  private final Hash base;
  private final String numerics;
  private final InstantSource time;

  /// Generations with a Started record and no other.
  @GuardedBy("this")
  private int open;

  Recorder(Journal journal, ServedModel model, InstantSource time) {
    this.journal = journal;
    base = Hash.ofText(model.baseDigest());
    numerics = model.numericsId();
    this.time = time;
  }

  /// A Started record is on its way, which a Generation record will follow.
  synchronized void opened() {
    open++;
  }

  /// The Generation record is there, or can't be written.
  synchronized void closed() {
    open--;
    notifyAll();
  }

  /// Waits until no generation is open, at most this long.
  synchronized void awaitClosed(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (open > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        log.warn("{} generations have no record of their end; the next start writes it", open);
        return;
      }
      wait(left);
    }
  }

  /// Whether there are records at all.
  boolean isOn() {
    return journal.isOn();
  }

  /// Throws the status of a ledger that takes no records now.
  void checkOpen() {
    journal.checkOpen();
  }

  /// The record of a generation that was just submitted.
  Recording begin(Job job, List<AdapterUse> adapters) {
    return new Recording(this, job, adapters, now());
  }

  CompletableFuture<Long> started(Job job, List<AdapterUse> adapters) {
    return journal.append(new StartedRecord(job.id(), job.tenant(), adapters, now()));
  }

  /// Durable on return; the attribution follows.
  ///
  /// @param maxTokens as it was clipped to the context
  /// @param cached tokens of the prompt that were not computed anew
  /// @return the index of the generation's leaf
  long ended(
      Job job,
      List<AdapterUse> adapters,
      long startedLeaf,
      long startMicros,
      int maxTokens,
      int cached,
      Emitted emitted,
      EndReason end,
      List<PathRun> paths) {
    long leaf =
        append(
            new GenerationRecord(
                job.id(),
                startedLeaf,
                job.tenant(),
                base,
                adapters,
                parameters(job.sampling(), maxTokens),
                list(job.prompt()),
                emitted.tokens(),
                new GenerationRecord.Usage(job.prompt().length, cached, emitted.tokens().size()),
                end,
                numerics,
                runs(paths),
                job.logprobs().orElse(-1),
                emitted.logprobs(),
                job.echo(),
                job.repeatable(),
                startMicros,
                now()));
    attribute(leaf, adapters.isEmpty());
    return leaf;
  }

  /// Appends what may not be refused for want of room, since it tells of what has been sent.
  private long append(Record record) {
    for (int attempt = 0; ; attempt++) {
      try {
        return journal.append(record).join();
      } catch (CompletionException e) {
        if (!(e.getCause() instanceof LedgerBusy) || attempt == ATTEMPTS) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE);
      }
    }
  }

  /// A generation was given again. Durable on return.
  void audited(long leaf, ReplayResult result, String askedBy) {
    long now = now();
    String outcome = result.getOutcome().name().substring("OUTCOME_".length());
    var unused =
        append(
            new AuditRecord(
                new AuditRecord.Open(
                    Record.hour(now),
                    leaf,
                    AuditRecord.What.REPLAY,
                    AuditRecord.Drawn.CALLER,
                    outcome),
                askedBy,
                now,
                result.hasPosition() ? "from position " + result.getPosition() : ""));
  }

  /// An attribution that finds the ledger full is made up for at the next start, as one that a
  /// crash prevented.
  private void attribute(long leaf, boolean baseOnly) {
    journal
        .append(attribution(leaf, baseOnly, now()))
        .whenComplete(
            (index, failure) -> {
              if (failure != null) {
                log.warn("leaf {} has no attribution yet", leaf, failure);
              }
            });
  }

  static Record attribution(long leaf, boolean baseOnly, long micros) {
    return new AttributionRecord(
        new AttributionRecord.Open(
            Record.hour(micros),
            leaf,
            baseOnly ? BASE_ONLY : UNATTRIBUTED,
            baseOnly ? new Shares(List.of(), Shares.WHOLE, 0) : Shares.unattributed()),
        List.of(),
        List.of(),
        new byte[0]);
  }

  private long now() {
    return micros(time.instant());
  }

  /// Since 1970.
  static long micros(Instant instant) {
    return Math.addExact(
        Math.multiplyExact(instant.getEpochSecond(), 1_000_000L), instant.getNano() / 1_000);
  }

  private static SamplingParameters parameters(Sampling sampling, int maxTokens) {
    return new SamplingParameters(
        maxTokens,
        sampling.temperature(),
        sampling.topK(),
        sampling.topP(),
        sampling.minP(),
        sampling.repetitionPenalty(),
        sampling.presencePenalty(),
        sampling.frequencyPenalty(),
        sampling.seed(),
        sampling.stop(),
        sampling.stopTokenIds().stream().sorted().toList(),
        new TreeMap<>(sampling.logitBias()));
  }

  private static List<GenerationRecord.PathRun> runs(List<PathRun> paths) {
    return paths.stream()
        .map(run -> new GenerationRecord.PathRun(run.path() == ComputePath.WIDE, run.count()))
        .toList();
  }

  private static List<Integer> list(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
