package dev.tributary.server.rpc;

import dev.tributary.record.AttributionRecord;
import dev.tributary.record.EndReason;
import dev.tributary.server.engine.Failure;
import dev.tributary.server.engine.Observer;
import dev.tributary.v1.GenerateEvent;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Passes the events of one generation on to its caller, in step with the ledger: no delta is sent
/// before the Started record is durable, and the last not before the Generation record is.
///
/// Only for the call's own thread.
final class Answering {
  private final JobEvents events;
  private final Recording recording;
  private final Emitted emitted;
  private final EventWriter writer;
  private final Call<?> call;
  private final boolean whole;

  /// @param whole whether the last event waits for the attribution
  Answering(
      JobEvents events,
      Recording recording,
      Emitted emitted,
      EventWriter writer,
      Call<?> call,
      boolean whole) {
    this.events = events;
    this.recording = recording;
    this.emitted = emitted;
    this.writer = writer;
    this.call = call;
    this.whole = whole;
  }

  /// Returns when all is sent; throws the status of a job that has no answer.
  ///
  /// @param started told of the event before the caller is
  /// @param beforeDelta run before each delta is sent
  /// @param out takes the events; blocks while the reader is behind, throws when the call has ended
  void pass(Consumer<Observer.Started> started, Runnable beforeDelta, Consumer<GenerateEvent> out) {
    GenerateEvent held = null;
    while (true) {
      switch (events.take()) {
        case JobEvents.Event.Started(var event) -> {
          recording.started(event);
          started.accept(event);
          out.accept(writer.started(event));
        }
        case JobEvents.Event.Delta(var delta) -> {
          emitted.add(delta);
          recording.awaitStarted();
          beforeDelta.run();
          if (delta.last()) {
            held = writer.delta(delta);
          } else {
            out.accept(writer.delta(delta));
          }
        }
        case JobEvents.Event.Finished(var finished) -> {
          finish(finished, held, out);
          return;
        }
        case JobEvents.Event.Failed(var failure, var paths, var drawn) -> {
          var unused = recording.ended(end(failure, call), emitted, paths, drawn);
          throw Statuses.of(failure, call.id());
        }
      }
    }
  }

  private void finish(
      Observer.Finished finished, @Nullable GenerateEvent held, Consumer<GenerateEvent> out) {
    Optional<Recorded> recorded =
        recording.ended(end(finished.reason()), emitted, finished.paths(), finished.drawn());
    if (held != null) {
      out.accept(held);
    }
    out.accept(
        writer.finished(finished, recorded, whole ? attribution(recorded) : Optional.empty()));
  }

  /// Waits for it, within the call's time; empty without a ledger, and if it does not take it.
  private Optional<AttributionRecord> attribution(Optional<Recorded> recorded) {
    return recorded.flatMap(
        answer ->
            call.await(
                answer
                    .attribution()
                    .handle((attribution, failure) -> Optional.ofNullable(attribution))));
  }

  /// Waits until a job that was cancelled has ended, and records what it brought forth until then;
  /// does nothing for one that has.
  ///
  /// @param broken why [#pass] did not return; what goes wrong here is added to it
  void abandon(Throwable broken) {
    try {
      while (!events.ended()) {
        abandon(events.take(), broken);
      }
    } catch (RuntimeException e) {
      broken.addSuppressed(e);
      events.awaitEnd();
    }
  }

  private void abandon(JobEvents.Event event, Throwable broken) {
    switch (event) {
      case JobEvents.Event.Started(var started) -> recording.started(started);
      case JobEvents.Event.Delta(var delta) -> emitted.add(delta);
      case JobEvents.Event.Finished(var finished) -> {
        var unused =
            recording.ended(end(finished.reason()), emitted, finished.paths(), finished.drawn());
      }
      case JobEvents.Event.Failed(var failure, var paths, var drawn) -> {
        boolean unread = failure instanceof Failure.Cancelled && Statuses.isNotRead(broken);
        var unused =
            recording.ended(
                unread ? EndReason.DISCONNECTED : end(failure, call), emitted, paths, drawn);
      }
    }
  }

  private static EndReason end(Observer.Reason reason) {
    return switch (reason) {
      case STOP -> EndReason.STOP;
      case LENGTH -> EndReason.LENGTH;
      case STOP_SEQUENCE -> EndReason.STOP_SEQUENCE;
      case TIME_LIMIT -> EndReason.TIME_LIMIT;
    };
  }

  private static EndReason end(Failure failure, Call<?> call) {
    return switch (failure) {
      case Failure.Cancelled() -> call.isPastDeadline() ? EndReason.DEADLINE : EndReason.CANCELLED;
      case Failure.DeadlineExceeded() -> EndReason.DEADLINE;
      case Failure.Draining() -> EndReason.INTERRUPTED;
      case Failure.Internal internal -> EndReason.FAILED;
    };
  }
}
