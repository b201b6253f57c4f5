package dev.tributary.client;

import dev.tributary.v1.GenerateEvent;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Supplier;

/// One generation as it is streamed: `started`, any number of `delta`, `finished`.
///
/// Events are fetched as they are read, so one who reads slowly slows only this stream. One thread
/// reads; any thread may close. Closing before the end cancels the generation, and the server frees
/// its row within a step.
public final class Answer implements Iterator<GenerateEvent>, AutoCloseable {
  private final Context.CancellableContext context;
  private final Iterator<GenerateEvent> events;

  Answer(Supplier<Iterator<GenerateEvent>> call) {
    context = Context.current().withCancellation();
    // The call belongs to the context that it was started in.
    Context previous = context.attach();
    try {
      events = call.get();
    } finally {
      context.detach(previous);
    }
  }

  /// Waits for the next event.
  ///
  /// @return false after `finished`
  /// @throws TributaryException if the call failed; its code is CANCELLED after [#close]
  @Override
  public boolean hasNext() {
    try {
      return events.hasNext();
    } catch (StatusRuntimeException e) {
      throw new TributaryException(e);
    }
  }

  /// @throws TributaryException as [#hasNext]
  @Override
  public GenerateEvent next() {
    try {
      return events.next();
    } catch (StatusRuntimeException e) {
      throw new TributaryException(e);
    }
  }

  /// Cancels what is not finished.
  @Override
  public void close() {
    context.cancel(null);
  }
}
