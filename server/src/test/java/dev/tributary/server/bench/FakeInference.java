package dev.tributary.server.bench;

import com.google.protobuf.Duration;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.Delta;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Started;
import dev.tributary.v1.Tier;
import dev.tributary.v1.Timings;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/// A server that answers every call with as many tokens as it asks for, in deltas of two, and
/// refuses each third. A name that comes for the first time is loaded from disk.
final class FakeInference extends InferenceGrpc.InferenceImplBase implements AutoCloseable {
  final List<GenerateRequest> requests = new CopyOnWriteArrayList<>();
  final ManagedChannel channel;
  private final AtomicInteger calls = new AtomicInteger();
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final Server server;

  FakeInference() throws IOException {
    String name = UUID.randomUUID().toString();
    server = InProcessServerBuilder.forName(name).addService(this).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  @Override
  public void generate(GenerateRequest request, StreamObserver<GenerateEvent> events) {
    requests.add(request);
    if (calls.incrementAndGet() % 3 == 0) {
      events.onError(
          Status.RESOURCE_EXHAUSTED.withDescription("the queue is full").asRuntimeException());
      return;
    }
    events.onNext(GenerateEvent.newBuilder().setStarted(started(request)).build());
    for (int left = request.getSampling().getMaxTokens(); left > 0; left -= 2) {
      Delta.Builder delta = Delta.newBuilder();
      for (int i = 0; i < Math.min(2, left); i++) {
        delta.addTokenIds(i);
      }
      events.onNext(GenerateEvent.newBuilder().setDelta(delta).build());
    }
    // The end of held text: no token came.
    events.onNext(GenerateEvent.newBuilder().setDelta(Delta.newBuilder().setText("x")).build());
    Timings.Builder timings =
        Timings.newBuilder()
            .setQueue(Duration.newBuilder().setNanos(3_000_000))
            .setLoad(Duration.newBuilder().setNanos(5_000_000));
    events.onNext(
        GenerateEvent.newBuilder().setFinished(Finished.newBuilder().setTimings(timings)).build());
    events.onCompleted();
  }

  private Started started(GenerateRequest request) {
    Started.Builder started =
        Started.newBuilder()
            .setPromptTokens(request.getTokens().getIdsCount())
            .setCachedTokens(request.getTokens().getIdsCount() / 2);
    request
        .getAdaptersList()
        .forEach(
            adapter -> {
              Tier tier = seen.contains(adapter.getName()) ? Tier.TIER_DEVICE : Tier.TIER_DISK;
              seen.add(adapter.getName());
              started.addAdapters(AdapterUse.newBuilder().setName(adapter.getName()).setTier(tier));
            });
    return started.build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }
}
