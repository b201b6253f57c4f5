package dev.tributary.server.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.identity.ComputePath;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.SamplingParameters;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.engine.Ticket;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.schedule.SharedPlaces;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.ReplayRequest;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ReplayResult.Outcome;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs a ReplayRequest: gives an answer again from its record, with the same prompt, weights, seed
/// and paths, and says whether the same came out.
///
/// A replay is nobody's generation: it is charged to nobody, has no shares, and leaves an Audit
/// record. It has a quota of its own, and waits behind everything else of its tenant.
final class Replays {
  /// At once, of all tenants: what nobody is charged for must not crowd out what somebody is.
  private static final int MOST = 8;

  private static final Duration RETRY = Duration.ofSeconds(1);

  private final Serving serving;
  private final RecordedGenerations recorded;
  private final Recorder recorder;
  private final Quotas quotas;

  @GuardedBy("places")
  private final SharedPlaces places = new SharedPlaces(MOST);

  Replays(Serving serving, RecordedGenerations recorded, Recorder recorder, Quotas quotas) {
    this.serving = serving;
    this.recorded = recorded;
    this.recorder = recorder;
    this.quotas = quotas;
  }

  /// @param out takes the events; blocks while the reader is behind, throws when the call has ended
  void run(ReplayRequest request, Call<?> call, Consumer<GenerateEvent> out) {
    recorder.checkOpen();
    String tenant = Caller.current().tenant();
    RecordedGenerations.Found found = recorded.find(request, tenant);
    quotas.countReplay(tenant);
    ReplayResult result = replay(found, call, out);
    // Of an erased answer nothing new is said: it would outlive the answer.
    if (found.record() != null) {
      recorder.audited(found.leaf(), result, tenant);
    }
    out.accept(
        GenerateEvent.newBuilder().setFinished(Finished.newBuilder().setReplay(result)).build());
  }

  private void takePlace(String tenant) {
    synchronized (places) {
      if (!places.take(tenant)) {
        throw Statuses.exhausted("too many answers are being replayed already", RETRY);
      }
    }
  }

  private void freePlace(String tenant) {
    synchronized (places) {
      places.free(tenant);
    }
  }

  private ReplayResult replay(
      RecordedGenerations.Found found, Call<?> call, Consumer<GenerateEvent> out) {
    GenerationRecord record = found.record();
    if (record == null) {
      return result(Outcome.OUTCOME_ERASED, "").build();
    }
    SamplingParameters sampling = record.sampling();
    if (sampling == null || record.output().isEmpty()) {
      throw Statuses.precondition(
          "NOTHING_TO_REPLAY", record.id(), "the answer ended before its first token was recorded");
    }
    if (!record.numerics().equals(serving.model().numericsId())) {
      return result(Outcome.OUTCOME_OTHER_HARDWARE, record.numerics()).build();
    }
    if (!serving.model().baseDigest().equals(String.valueOf(record.base()))) {
      return result(Outcome.OUTCOME_VERSION_GONE, record.numerics()).build();
    }
    Leases leases = lease(record.adapters(), call);
    if (leases == null) {
      return result(Outcome.OUTCOME_VERSION_GONE, record.numerics()).build();
    }
    try (leases) {
      Emitted emitted = run(record, sampling, leases, call, out);
      return compare(record, emitted);
    }
  }

  /// Null if a version is gone.
  private @Nullable Leases lease(List<AdapterUse> uses, Call<?> call) {
    List<AdapterSelector> selectors =
        uses.stream()
            .map(
                use ->
                    AdapterSelector.newBuilder()
                        .setName(use.name())
                        .setDigest(use.digest().text())
                        .setScale(use.scale())
                        .build())
            .toList();
    try {
      return AdapterChoice.lease(
          AdapterChoice.read(selectors, selectors.size()),
          serving.adapters(),
          Caller.current().tenant(),
          call.id(),
          call);
    } catch (StatusRuntimeException e) {
      Status.Code code = e.getStatus().getCode();
      if (code == Status.Code.NOT_FOUND
          || code == Status.Code.FAILED_PRECONDITION
          || code == Status.Code.DATA_LOSS) {
        return null;
      }
      throw e;
    }
  }

  private Emitted run(
      GenerationRecord record,
      SamplingParameters sampling,
      Leases leases,
      Call<?> call,
      Consumer<GenerateEvent> out) {
    String tenant = Caller.current().tenant();
    JobEvents events =
        new JobEvents(
            0,
            call.record(),
            () -> {},
            () -> {
              // However long the reader takes.
              leases.close();
              freePlace(tenant);
            });
    Job job = job(record, sampling, leases, call);
    Emitted emitted = new Emitted(0, 0);
    takePlace(tenant);
    Ticket ticket;
    try {
      ticket = serving.engine().submit(job, events);
    } catch (RuntimeException e) {
      freePlace(tenant);
      throw e;
    }
    call.onEnd(ticket::cancel);
    EventWriter writer =
        new EventWriter(serving, record.id(), "", leases, job.sampling(), 0, 0, false);
    try {
      while (true) {
        switch (events.take()) {
          case JobEvents.Event.Started(var started) -> out.accept(writer.started(started));
          case JobEvents.Event.Delta(var delta) -> {
            emitted.add(delta);
            out.accept(writer.delta(delta));
          }
          case JobEvents.Event.Finished finished -> {
            return emitted;
          }
          case JobEvents.Event.Failed(var failure, var paths, var drawn) ->
              throw Statuses.of(failure, call.id());
        }
      }
    } finally {
      ticket.cancel();
      events.awaitEnd();
    }
  }

  private Job job(
      GenerationRecord record, SamplingParameters sampling, Leases leases, Call<?> call) {
    return new Job(
        call.id(),
        Caller.current().tenant(),
        Request.DEFAULT_WEIGHT,
        record.prompt().stream().mapToInt(Integer::intValue).toArray(),
        leases.uses(),
        sampling(sampling, record.output().size()),
        record.logprobs() < 0 ? OptionalInt.empty() : OptionalInt.of(record.logprobs()),
        OptionalLong.empty(),
        call.deadline(serving.clock().getAsLong()),
        Priority.LOW,
        false,
        record.repeatable(),
        record.paths().stream()
            .map(
                run ->
                    new PathRun(run.wide() ? ComputePath.WIDE : ComputePath.NARROW, run.tokens()))
            .toList());
  }

  /// @param tokens that were given: an answer that was cut short is given up to there
  private static Sampling sampling(SamplingParameters recorded, int tokens) {
    return new Sampling(
        tokens,
        recorded.temperature(),
        recorded.topK(),
        recorded.topP(),
        recorded.minP(),
        recorded.repetitionPenalty(),
        recorded.presencePenalty(),
        recorded.frequencyPenalty(),
        recorded.seed(),
        recorded.stop(),
        new HashSet<>(recorded.stopTokenIds()),
        recorded.logitBias());
  }

  private ReplayResult compare(GenerationRecord record, Emitted emitted) {
    List<Integer> was = record.output();
    List<Integer> is = emitted.tokens();
    int same = 0;
    while (same < was.size() && same < is.size() && was.get(same).equals(is.get(same))) {
      same++;
    }
    boolean identical =
        same == was.size()
            && same == is.size()
            && Objects.equals(record.logprobsDigest(), emitted.logprobs());
    return identical
        ? result(Outcome.OUTCOME_IDENTICAL, record.numerics()).build()
        : result(Outcome.OUTCOME_DIFFERENT, record.numerics()).setPosition(same).build();
  }

  private ReplayResult.Builder result(Outcome outcome, String numerics) {
    return ReplayResult.newBuilder()
        .setOutcome(outcome)
        .setRecordedNumericsId(numerics)
        .setNumericsId(serving.model().numericsId());
  }
}
