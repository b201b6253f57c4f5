package dev.tributary.server.rpc;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/// A server with a ledger, as a process that [KilledServerTest] kills. Prints its port.
final class ServeUntilKilled {
  private ServeUntilKilled() {}

  /// @param args the folders of adapters and data
  public static void main(String[] args) throws InterruptedException {
    RpcFixture fixture =
        RpcFixture.recording(Path.of(args[0]), Path.of(args[1]), RpcFixture.Options.NETTY);
    int closed = Objects.requireNonNull(fixture.books).closeInterrupted(InstantSource.system());
    System.out.println(fixture.server.boundPort() + " " + closed);
    new CountDownLatch(1).await();
  }
}
