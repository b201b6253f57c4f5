package dev.tributary.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// Sends messages as fast as the reader takes them, and no faster: gRPC itself would keep whatever
/// it is given.
///
/// A reader who takes nothing for the idle time loses the call. What the transport holds by then,
/// at most its flow-control windows, is freed when the connection takes it or ends.
final class PacedStream<T> {
  private final ServerCallStreamObserver<T> responses;
  private final Delay delay;
  private final Duration idle;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  PacedStream(ServerCallStreamObserver<T> responses, Delay delay, Duration idle) {
    this.responses = responses;
    this.delay = delay;
    this.idle = idle;
  }

  /// Sends `message` once the transport takes it. Only for the call's own thread.
  ///
  /// @throws CancellationException if the call has ended
  void send(T message) {
    if (!responses.isReady()) {
      awaitReader();
    }
    if (responses.isCancelled()) {
      throw new CancellationException();
    }
    responses.onNext(message);
  }

  /// The transport may be ready, or the call at its end. Any thread.
  void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void awaitReader() {
    boolean[] tooLate = new boolean[1];
    Delay.Handle timeout =
        delay.after(
            idle,
            () -> {
              lock.lock();
              try {
                tooLate[0] = true;
                changed.signalAll();
              } finally {
                lock.unlock();
              }
            });
    lock.lock();
    try {
      while (!responses.isReady() && !responses.isCancelled()) {
        if (tooLate[0]) {
          throw Statuses.notRead(idle);
        }
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
      timeout.cancel();
    }
  }
}
