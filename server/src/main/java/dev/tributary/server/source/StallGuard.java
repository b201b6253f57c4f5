package dev.tributary.server.source;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/// Closes a stream from which nothing came for a while, so that its reader fails: the HTTP client
/// has no time limit between bytes.
final class StallGuard implements AutoCloseable {
  private final Thread watcher;
  private volatile long lastNanos = System.nanoTime();

  StallGuard(InputStream stream, Duration limit) {
    watcher = Thread.ofVirtual().start(() -> watch(stream, limit.toNanos()));
  }

  /// Something came.
  void alive() {
    lastNanos = System.nanoTime();
  }

  private void watch(InputStream stream, long limitNanos) {
    try {
      long left = limitNanos;
      while (left > 0) {
        Thread.sleep(Duration.ofNanos(left));
        left = limitNanos - (System.nanoTime() - lastNanos);
      }
      stream.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed in time
    } catch (IOException e) {
      // The reader gets the same error.
    }
  }

  @Override
  public void close() {
    watcher.interrupt();
  }
}
