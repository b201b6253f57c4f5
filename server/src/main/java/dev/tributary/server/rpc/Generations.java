package dev.tributary.server.rpc;

import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Ticket;
import dev.tributary.server.state.Requests;
import dev.tributary.server.tokenize.TextDecoder;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs a GenerateRequest from its fields to its last event, on the call's own thread.
final class Generations {
  private final Serving serving;
  private final GenerationReader reader;
  private final Requests requests;
  private final Ids ids;
  private final EncodingThreads encoding;
  private final Quotas quotas;
  private final Tally tally;
  private final Shadows shadows;
  private final Recorder recorder;

  Generations(
      Serving serving,
      GenerationReader reader,
      Requests requests,
      Ids ids,
      EncodingThreads encoding,
      Quotas quotas,
      Tally tally,
      Shadows shadows,
      Recorder recorder) {
    this.shadows = shadows;
    this.recorder = recorder;
    this.serving = serving;
    this.quotas = quotas;
    this.tally = tally;
    this.encoding = encoding;
    this.reader = reader;
    this.requests = requests;
    this.ids = ids;
  }

  /// @param once whether the events become one message, which can wait for the attribution
  /// @param out takes the events; blocks while the reader is behind, throws when the call has ended
  void run(GenerateRequest request, Call<?> call, boolean once, Consumer<GenerateEvent> out) {
    long arrived = serving.clock().getAsLong();
    GenerationReader.Asked asked = reader.read(request);
    recorder.checkOpen();
    try (TenantUse.Place place = call.await(quotas.enter(Caller.current().tenant()))) {
      int[] prompt =
          encoding.run(
              request.getSerializedSize(),
              call,
              () -> asked.input().encode(serving.tokenizer(), serving.model().vocabulary()));
      checkFits(prompt.length, asked.input().field());
      place.reserve(prompt.length);
      run(asked, prompt, place, arrived, call, once, out);
    }
  }

  private void run(
      GenerationReader.Asked asked,
      int[] prompt,
      TenantUse.Place place,
      long arrived,
      Call<?> call,
      boolean once,
      Consumer<GenerateEvent> out) {
    String tenant = Caller.current().tenant();
    String requestId = asked.requestId().isEmpty() ? ids.next() : asked.requestId();
    try (Requests.@Nullable Reservation reservation =
            asked.requestId().isEmpty() ? null : reserve(tenant, requestId, call.id());
        Leases leases =
            AdapterChoice.lease(
                asked.adapters(),
                serving.adapters(),
                tenant,
                asked.affinityKey().isEmpty() ? requestId : asked.affinityKey(),
                call)) {
      JobEvents events =
          new JobEvents(
              asked.echo() ? prompt.length : 0, call.record(), place::started, leases::close);
      Job job = job(asked, prompt, leases, tenant, place.weight(), call);
      long submitted = serving.clock().getAsLong();
      Ticket ticket = serving.engine().submit(job, events);
      place.taken();
      tally.generation();
      call.onEnd(ticket::cancel);
      Emitted emitted = asked.echo() ? echoing(prompt) : new Emitted(0, 0);
      Recording recording = recorder.begin(job, leases.recorded());
      Answering answering =
          new Answering(
              events,
              recording,
              emitted,
              new EventWriter(
                  serving,
                  call.id(),
                  requestId,
                  leases,
                  asked.sampling(),
                  submitted - arrived,
                  leases.waitedNanos(),
                  asked.shares()),
              call,
              once && asked.whole());
      try {
        answering.pass(
            started -> tally.prompt(started.promptTokens(), started.cachedTokens()),
            // Before anybody reads the token: a crash must not make its id free again.
            () -> keep(reservation, events.generated()),
            out);
        leases.shadowed(serving.adapters(), job, emitted.tokens()).ifPresent(shadows::take);
      } catch (RuntimeException | Error e) {
        // The row ends within a step; until then it uses its leases and may still charge.
        ticket.cancel();
        answering.abandon(e);
        throw e;
      } finally {
        int charged = recording.stands() ? events.generated() : 0;
        place.answered(charged);
        tally.completion(charged);
        keep(reservation, charged);
      }
    }
  }

  private Emitted echoing(int[] prompt) {
    TextDecoder decoder = serving.tokenizer().decoder();
    return new Emitted(
        prompt.length, Arrays.stream(prompt).map(id -> decoder.push(id).length()).sum());
  }

  /// Takes the id that the caller chose, or throws ALREADY_EXISTS.
  private Requests.Reservation reserve(String tenant, String requestId, String generationId) {
    return switch (requests.reserve(tenant, requestId, generationId)) {
      case Requests.Reservation reservation -> reservation;
      case Requests.Taken(String first) -> throw Statuses.seen(requestId, first);
    };
  }

  /// Keeps the id once a token was generated. Durable on return.
  private static void keep(Requests.@Nullable Reservation reservation, int generated) {
    if (reservation != null && generated > 0) {
      reservation.keep();
    }
  }

  private void checkFits(int tokens, String field) {
    int most = serving.engine().maxSequence() - 1;
    if (tokens > most) {
      throw Statuses.invalid(
          field, "has " + tokens + " tokens, the context takes at most " + most + " and an answer");
    }
  }

  private Job job(
      GenerationReader.Asked asked,
      int[] prompt,
      Leases leases,
      String tenant,
      int weight,
      Call<?> call) {
    OptionalLong deadline = call.deadline(serving.clock().getAsLong());
    List<dev.tributary.server.model.AdapterUse> uses = leases.uses();
    return new Job(
        call.id(),
        tenant,
        weight,
        prompt,
        uses,
        asked.sampling(),
        asked.logprobs(),
        asked.timeLimitNanos(),
        deadline,
        asked.priority(),
        asked.echo(),
        asked.repeatable(),
        List.of());
  }
}
