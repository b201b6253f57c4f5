package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;
import static dev.tributary.client.Connection.within;

import dev.tributary.v1.TrainingCancelRequest;
import dev.tributary.v1.TrainingGetRequest;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.TrainingListRequest;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingWatchRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/// Runs that train adapters on the server.
public final class Trainings {
  private final TrainingGrpc.TrainingBlockingStub stub;
  private final Backoff.Sleeper sleeper;

  Trainings(TrainingGrpc.TrainingBlockingStub stub, Backoff.Sleeper sleeper) {
    this.stub = stub;
    this.sleeper = sleeper;
  }

  /// Queues a run. Its data is registered first, which takes a while if there is much of it.
  ///
  /// @param time for the whole call
  /// @throws TributaryException if the call failed; its code is INVALID_ARGUMENT if the data or a
  ///   setting is refused, and ALREADY_EXISTS if the request id started a run
  public TrainingRun start(TrainingStartRequest request, Duration time) {
    return calling(() -> within(stub, time).start(request));
  }

  /// @throws TributaryException if the call failed
  public TrainingRun get(String id) {
    return calling(() -> quick(stub).get(TrainingGetRequest.newBuilder().setRunId(id).build()));
  }

  /// The newest runs, newest first.
  ///
  /// @param adapter of this one; empty: of any
  /// @param most of them, from 1 to 1,000
  /// @throws TributaryException if the call failed
  public List<TrainingRun> list(String adapter, int most) {
    TrainingListRequest request =
        TrainingListRequest.newBuilder().setAdapter(adapter).setPageSize(most).build();
    return calling(() -> quick(stub).list(request)).getRunsList();
  }

  /// Ends a run without a version.
  ///
  /// @throws TributaryException if the call failed; its code is FAILED_PRECONDITION if the run has
  ///   ended
  public TrainingRun cancel(String id) {
    return calling(
        () -> quick(stub).cancel(TrainingCancelRequest.newBuilder().setRunId(id).build()));
  }

  /// How a run is, then every change of it. Close it to see no more; the run goes on.
  ///
  /// @param interrupted hears of each broken connection, and after which time it is made again
  public TrainingWatch watch(String id, BiConsumer<TributaryException, Duration> interrupted) {
    TrainingWatchRequest request = TrainingWatchRequest.newBuilder().setRunId(id).build();
    return new TrainingWatch(() -> stub.watch(request), interrupted, new Backoff(sleeper));
  }
}
