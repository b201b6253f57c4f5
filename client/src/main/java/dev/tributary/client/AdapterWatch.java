package dev.tributary.client;

import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.Alias;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The present state of adapters, then every change, across broken connections.
///
/// After a new connection the server tells the present state again; what is as it was told before
/// is passed over. What vanished while there was no connection is not told. One thread reads; any
/// thread may close.
public final class AdapterWatch implements Iterator<AdapterEvent>, AutoCloseable {
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final Supplier<Iterator<AdapterEvent>> call;
  private final BiConsumer<TributaryException, Duration> interrupted;
  private final Backoff backoff;

  /// What was told last, by version or alias; as long as the server's list.
  private final Map<String, Object> known = new HashMap<>();

  private Iterator<AdapterEvent> events;
  private @Nullable AdapterEvent next;

  AdapterWatch(
      Supplier<Iterator<AdapterEvent>> call,
      BiConsumer<TributaryException, Duration> interrupted,
      Backoff backoff) {
    this.call = call;
    this.interrupted = interrupted;
    this.backoff = backoff;
    this.events = open();
  }

  /// Waits for the next event.
  ///
  /// @return true; a watch ends only by an exception
  /// @throws TributaryException if the first connection failed, a later one could not be made
  ///   again, or the server refuses the call; its code is CANCELLED after [#close]
  @Override
  public boolean hasNext() {
    if (next == null) {
      next = await();
    }
    return true;
  }

  /// @throws TributaryException as [#hasNext]
  @Override
  public AdapterEvent next() {
    AdapterEvent event = next == null ? await() : next;
    next = null;
    return event;
  }

  /// Ends the watch.
  @Override
  public void close() {
    context.cancel(null);
  }

  private AdapterEvent await() {
    while (true) {
      try {
        if (!events.hasNext()) {
          throw Status.UNAVAILABLE
              .withDescription("the server ended the watch")
              .asRuntimeException();
        }
        AdapterEvent event = events.next();
        backoff.reset();
        if (isNews(event)) {
          return event;
        }
      } catch (StatusRuntimeException e) {
        reconnect(new TributaryException(e));
      }
    }
  }

  private void reconnect(TributaryException failure) {
    if (known.isEmpty()) {
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
    events = open();
  }

  private Iterator<AdapterEvent> open() {
    // The call belongs to the context that it was started in.
    Context previous = context.attach();
    try {
      return call.get();
    } finally {
      context.detach(previous);
    }
  }

  private boolean isNews(AdapterEvent event) {
    return switch (event.getChangeCase()) {
      case TIER -> {
        AdapterEvent.TierChange change = event.getTier();
        Object before = known.put(change.getAdapter() + "@" + change.getNumber(), change.getTo());
        yield !change.getTo().equals(before);
      }
      case ALIAS -> {
        Alias alias = event.getAlias().getAlias();
        Object before = known.put(event.getAlias().getAdapter() + "=" + alias.getName(), alias);
        yield !alias.equals(before);
      }
      case CHANGE_NOT_SET -> true;
    };
  }
}
