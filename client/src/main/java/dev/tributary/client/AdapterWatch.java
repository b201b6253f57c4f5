package dev.tributary.client;

import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.Alias;
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
  private final Resumed<AdapterEvent> events;

  /// What was told last, by version or alias; as long as the server's list.
  private final Map<String, Object> known = new HashMap<>();

  private @Nullable AdapterEvent next;

  AdapterWatch(
      Supplier<Iterator<AdapterEvent>> call,
      BiConsumer<TributaryException, Duration> interrupted,
      Backoff backoff) {
    this.events = new Resumed<>(call, interrupted, backoff);
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
    events.close();
  }

  private AdapterEvent await() {
    AdapterEvent event = events.await();
    while (!isNews(event)) {
      event = events.await();
    }
    return event;
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
