package dev.tributary.server.rpc;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// TLS that follows its files: connections made after a change get what is new, those that are
/// there stay. A change that does not work is logged and the old files' content stays in use.
///
/// A change makes a whole new context, so that no session of the old one can be resumed: a client
/// whose root was taken out of the list is really out. The files are compared by content, since a
/// renewed certificate may keep its key, and links are swapped in other ways than files.
final class ReloadingTls extends SslContext implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ReloadingTls.class);

  /// How often the files are looked at.
  private static final Duration POLL = Duration.ofSeconds(10);

  private final TlsFiles files;
  private volatile SslContext current;
  private volatile TlsFiles.Content seen;
  private final ScheduledExecutorService poll =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("tls-reload").factory());

  /// @throws IOException with a text for the user if the files don't make a working server
  ReloadingTls(TlsFiles files) throws IOException {
    this.files = files;
    seen = files.read();
    current = files.context(seen);
    var unused =
        poll.scheduleWithFixedDelay(
            this::reload, POLL.toMillis(), POLL.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Looks at the files. One thread at a time.
  void reload() {
    try {
      TlsFiles.Content now = files.read();
      if (now.same(seen)) {
        return;
      }
      seen = now;
      current = files.context(now);
      log.info("took new certificates from {}", files.certificates());
    } catch (IOException | RuntimeException e) {
      log.error("kept the certificates in use: {}", e.getMessage(), e);
    }
  }

  @Override
  public boolean isClient() {
    return false;
  }

  @Override
  public List<String> cipherSuites() {
    return current.cipherSuites();
  }

  @Override
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return current.applicationProtocolNegotiator();
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    return current.newEngine(allocator);
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
    return current.newEngine(allocator, peerHost, peerPort);
  }

  @Override
  public SSLSessionContext sessionContext() {
    return current.sessionContext();
  }

  @Override
  public void close() {
    poll.shutdownNow();
  }
}
