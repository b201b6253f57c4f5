package dev.tributary.server.rpc;

import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Ticket;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs a GenerateRequest from its fields to its last event, on the call's own thread.
final class Generations {
  private final Serving serving;
  private final GenerationReader reader;
  private final RecentRequests recent;
  private final Ids ids;
  private final EncodingThreads encoding;

  Generations(
      Serving serving,
      GenerationReader reader,
      RecentRequests recent,
      Ids ids,
      EncodingThreads encoding) {
    this.serving = serving;
    this.encoding = encoding;
    this.reader = reader;
    this.recent = recent;
    this.ids = ids;
  }

  /// @param out takes the events; blocks while the reader is behind, throws when the call has ended
  void run(GenerateRequest request, Call<?> call, Consumer<GenerateEvent> out) {
    long arrived = serving.clock().getAsLong();
    String tenant = Tenant.current();
    GenerationReader.Asked asked = reader.read(request);
    int[] prompt =
        encoding.run(
            request.getSerializedSize(),
            call,
            () -> asked.input().encode(serving.tokenizer(), serving.model().vocabulary()));
    checkFits(prompt.length, asked.input().field());
    String requestId = asked.requestId().isEmpty() ? ids.next() : asked.requestId();
    try (RecentRequests.@Nullable Reservation reservation =
            asked.requestId().isEmpty() ? null : recent.reserve(tenant, requestId, call.id());
        Leases leases = AdapterChoice.lease(asked.adapters(), serving.adapters(), tenant, call)) {
      JobEvents events =
          new JobEvents(asked.echo() ? prompt.length : 0, call.record(), leases::close);
      Job job = job(asked, prompt, leases, tenant, call);
      long submitted = serving.clock().getAsLong();
      Ticket ticket = serving.engine().submit(job, events);
      call.onEnd(ticket::cancel);
      try {
        EventWriter writer =
            new EventWriter(
                serving,
                call.id(),
                requestId,
                leases,
                asked.sampling(),
                submitted - arrived,
                leases.waitedNanos());
        pass(events, writer, call.id(), out);
      } finally {
        // The row ends within a step; until then it uses its leases and may still charge.
        ticket.cancel();
        events.awaitEnd();
        if (reservation != null && events.generated()) {
          reservation.keep();
        }
      }
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
      GenerationReader.Asked asked, int[] prompt, Leases leases, String tenant, Call<?> call) {
    OptionalLong deadline = call.deadline(serving.clock().getAsLong());
    List<dev.tributary.server.model.AdapterUse> uses = leases.uses();
    return new Job(
        call.id(),
        tenant,
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

  private static void pass(
      JobEvents events, EventWriter writer, String id, Consumer<GenerateEvent> out) {
    while (true) {
      switch (events.take()) {
        case JobEvents.Event.Started(var started) -> out.accept(writer.started(started));
        case JobEvents.Event.Delta(var delta) -> out.accept(writer.delta(delta));
        case JobEvents.Event.Finished(var finished) -> {
          out.accept(writer.finished(finished));
          return;
        }
        case JobEvents.Event.Failed(var failure) -> throw Statuses.of(failure, id);
      }
    }
  }
}
