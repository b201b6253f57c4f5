package dev.tributary.client;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Iterator;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/// A stream that a server never ends, made again where the connection breaks. One thread reads; any
/// thread may close.
final class Resumed<T> implements AutoCloseable {
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final Supplier<Iterator<T>> call;
  private final BiConsumer<TributaryException, Duration> interrupted;
  private final Backoff backoff;

  private Iterator<T> messages;
  private boolean connected;

  /// @param interrupted hears of each broken connection, and after which time it is made again
  Resumed(
      Supplier<Iterator<T>> call,
      BiConsumer<TributaryException, Duration> interrupted,
      Backoff backoff) {
    this.call = call;
    this.interrupted = interrupted;
    this.backoff = backoff;
    this.messages = open();
  }

  /// Waits for the next message.
  ///
  /// @throws TributaryException if the first connection failed, a later one could not be made
  ///   again, or the server refuses the call; its code is CANCELLED after [#close]
  T await() {
    while (true) {
      try {
        if (!messages.hasNext()) {
          throw Status.UNAVAILABLE
              .withDescription("the server ended the watch")
              .asRuntimeException();
        }
        T message = messages.next();
        connected = true;
        backoff.reset();
        return message;
      } catch (StatusRuntimeException e) {
        reconnect(new TributaryException(e));
      }
    }
  }

  /// Ends the stream.
  @Override
  public void close() {
    context.cancel(null);
  }

  private void reconnect(TributaryException failure) {
    if (!connected) {
      throw failure;
    }
    Duration delay = backoff.next(failure).orElseThrow(() -> failure);
    interrupted.accept(failure, delay);
    try {
      backoff.sleep(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure;
    }
    messages = open();
  }

  private Iterator<T> open() {
    // The call belongs to the context that it was started in.
    Context previous = context.attach();
    try {
      return call.get();
    } finally {
      context.detach(previous);
    }
  }
}
