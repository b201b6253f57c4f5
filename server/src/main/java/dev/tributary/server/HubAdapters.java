package dev.tributary.server;

import dev.tributary.server.adapter.RemoteAdapters;
import dev.tributary.server.source.AdapterHub;
import dev.tributary.server.source.UnreachableException;
import java.io.IOException;

/// Hands the hub's adapters over to whoever imports them.
record HubAdapters(AdapterHub hub) implements RemoteAdapters {
  @Override
  public void fetch(String source, Sink sink) throws IOException {
    try {
      hub.fetch(source, sink::file);
    } catch (UnreachableException e) {
      throw new RemoteAdapters.UnreachableException(String.valueOf(e.getMessage()), e);
    }
  }
}
