package dev.tributary.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The messages of a client's stream, at the pace at which the call's thread takes them. Holds no
/// more than [#AHEAD] of them.
final class Inbound<T> implements StreamObserver<T> {
  /// Messages that are asked for before they are needed: one is worked on while another comes.
  private static final int AHEAD = 2;

  private final ServerCallStreamObserver<?> call;
  private final Delay delay;
  private final Duration idle;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<T> messages = new ArrayDeque<>();
  private boolean begun;
  private boolean completed;
  private boolean broken;

  /// To be made while gRPC hands the call over.
  ///
  /// @param idle a stream that brings nothing for so long ends
  Inbound(StreamObserver<?> responses, Delay delay, Duration idle) {
    call = (ServerCallStreamObserver<?>) responses;
    this.delay = delay;
    this.idle = idle;
    call.disableAutoRequest();
  }

  @Override
  public void onNext(T message) {
    change(() -> messages.add(message));
  }

  @Override
  public void onError(Throwable cause) {
    end();
  }

  @Override
  public void onCompleted() {
    change(() -> completed = true);
  }

  /// The call is over: nothing comes any more. Any thread.
  void end() {
    change(() -> broken = true);
  }

  private void change(Runnable step) {
    lock.lock();
    try {
      step.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// The next message; null after the last. Only for the call's own thread.
  ///
  /// @throws CancellationException if the call has ended
  @Nullable T take() {
    call.request(begun ? 1 : AHEAD);
    begun = true;
    boolean[] tooLate = new boolean[1];
    Delay.Handle timeout = delay.after(idle, () -> change(() -> tooLate[0] = true));
    lock.lock();
    try {
      while (messages.isEmpty() && !completed && !broken) {
        if (tooLate[0]) {
          throw Statuses.notSent(idle);
        }
        changed.awaitUninterruptibly();
      }
      if (broken) {
        throw new CancellationException();
      }
      return messages.poll();
    } finally {
      lock.unlock();
      timeout.cancel();
    }
  }
}
