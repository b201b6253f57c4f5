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
import dev.tributary.record.StartedRecord;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Sampling;
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
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps the ledger's records of generations.
///
/// A generation that leaves the queue has a Started record, durable before its first delta is sent,
/// and, however it ends, a Generation record, durable before its last one is; both bear its id. An
/// Attribution record follows as soon as it is known what to say ([Attributions]).
final class Recorder {
  private static final Logger log = LoggerFactory.getLogger(Recorder.class);

  private final Journal journal;
  private final Hash base;
  private final String numerics;
  private final InstantSource time;
  private final Attributions attributions;

  /// Generations with a Started record and no other.
  @GuardedBy("this")
  private int open;

  Recorder(Records records, Serving serving) {
    journal = records.journal();
    base = Hash.ofText(serving.model().baseDigest());
    numerics = serving.model().numericsId();
    time = serving.time();
    attributions =
        new Attributions(
            serving.attributing(), records, serving.metrics(), serving.clock(), serving.time());
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

  /// Waits until no generation is open and all are attributed, at most this long.
  void awaitAttributed(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    if (awaitNoneOpen(most)) {
      var unused = attributions.await(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
    }
  }

  /// Waits until no generation is open, at most this long, and then until what was said of them is
  /// durable; of those of which nothing was said yet, nothing is.
  void awaitClosed(Duration most) throws InterruptedException {
    if (!awaitNoneOpen(most)) {
      log.warn("generations have no record of their end; the next start writes it");
    }
    attributions.end();
    if (!attributions.await(most)) {
      log.warn("generations have no attribution; the next start writes it");
    }
  }

  private synchronized boolean awaitNoneOpen(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (open > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  /// Nothing is attributed any more.
  void close() {
    attributions.end();
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
  /// @param drawn with what probability each token was drawn
  Recorded ended(
      Job job,
      List<AdapterUse> adapters,
      long startedLeaf,
      long startMicros,
      int maxTokens,
      int cached,
      Emitted emitted,
      EndReason end,
      List<PathRun> paths,
      float[] drawn) {
    long leaf =
        journal.appendPatiently(
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
    return new Recorded(leaf, attribute(leaf, job, adapters, emitted, paths, drawn));
  }

  /// A generation was given again. Durable on return.
  void audited(long leaf, ReplayResult result, String askedBy) {
    long now = now();
    String outcome = result.getOutcome().name().substring("OUTCOME_".length());
    var unused =
        journal.appendPatiently(
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

  /// Whose data it was, is found out beside the call.
  private CompletableFuture<AttributionRecord> attribute(
      long leaf,
      Job job,
      List<AdapterUse> adapters,
      Emitted emitted,
      List<PathRun> paths,
      float[] drawn) {
    if (adapters.isEmpty()) {
      return attributions.baseOnly(leaf);
    }
    int tokens = emitted.tokens().size();
    if (tokens == 0) {
      return attributions.unattributed(
          leaf, new Attributing.Unattributed(Attributing.Reason.EMPTY, ""));
    }
    return attributions.attribute(
        new Attributing.Answered(
            job.id(),
            job.tenant(),
            job.weight(),
            leaf,
            job.prompt(),
            emitted.tokens().stream().mapToInt(Integer::intValue).toArray(),
            Arrays.copyOf(drawn, tokens),
            emitted.text(),
            job.sampling(),
            job.adapters(),
            adapters,
            paths));
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
