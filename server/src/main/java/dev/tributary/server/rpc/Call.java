package dev.tributary.server.rpc;

import dev.tributary.server.metrics.CallRecord;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// One call, on a virtual thread of its own that alone writes to it.
///
/// gRPC's callbacks of a call run one after another, so none of them may block; what waits for
/// weights, rows or readers runs here.
final class Call<RespT> {
  /// Answers a call. Whatever it throws ends the call with the status of [Statuses#of].
  interface Handler<RespT> {
    void handle(Call<RespT> call);
  }

  private final ServerCallStreamObserver<RespT> responses;
  private final Context context;
  private final CallRecord record;
  private final String id;
  private volatile Runnable whenReady = () -> {};

  private Call(ServerCallStreamObserver<RespT> responses, Context context, String id) {
    this.responses = responses;
    this.context = context;
    this.id = id;
    record = Observed.current();
    record.serves(id, Caller.current().tenant());
  }

  /// Runs `handler` on a thread of its own; to be called while gRPC hands the call over.
  ///
  /// @param id by which the log and the caller know the call
  static <RespT> void serve(StreamObserver<RespT> observer, String id, Handler<RespT> handler) {
    ServerCallStreamObserver<RespT> responses = (ServerCallStreamObserver<RespT>) observer;
    // With a handler set, writing to a cancelled call does nothing instead of throwing.
    responses.setOnCancelHandler(() -> {});
    Call<RespT> call = new Call<>(responses, Context.current(), id);
    responses.setOnReadyHandler(call::ready);
    Thread.ofVirtual().name("call-" + id).start(call.context.wrap(() -> call.run(handler)));
  }

  String id() {
    return id;
  }

  /// Told what happens to the call.
  CallRecord record() {
    return record;
  }

  /// What the transport takes, at the pace at which it takes it.
  PacedStream<RespT> paced(Delay delay, Duration idle) {
    PacedStream<RespT> stream = new PacedStream<>(responses, delay, idle);
    whenReady = stream::wake;
    onEnd(stream::wake);
    return stream;
  }

  /// The only answer of a call.
  void answer(RespT response) {
    responses.onNext(response);
  }

  /// Runs `task` when the call was cancelled, its deadline has passed or it is over; at once if
  /// that is so. Any thread; must not block.
  void onEnd(Runnable task) {
    context.addListener(ended -> task.run(), Runnable::run);
  }

  /// Whether it was cancelled, or its deadline has passed.
  boolean isOver() {
    return context.isCancelled();
  }

  /// Waits for `future`; gives it up, with a [CancellationException], when the call ends.
  <T> T await(CompletableFuture<T> future) {
    onEnd(() -> future.cancel(false));
    try {
      return future.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /// The call's deadline on a clock that shows `now`.
  ///
  /// @param now nanoseconds
  OptionalLong deadline(long now) {
    Deadline deadline = context.getDeadline();
    return deadline == null
        ? OptionalLong.empty()
        : OptionalLong.of(now + deadline.timeRemaining(TimeUnit.NANOSECONDS));
  }

  /// Whether the caller's deadline has passed, as far as that can be told: its clock may run out
  /// before ours does.
  boolean isPastDeadline() {
    return Observed.isPast(context.getDeadline());
  }

  private void ready() {
    whenReady.run();
  }

  private void run(Handler<RespT> handler) {
    try {
      handler.handle(this);
    } catch (Throwable e) {
      responses.onError(Statuses.of(e, id));
      return;
    }
    responses.onCompleted();
  }
}
