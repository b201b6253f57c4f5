package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.rpc.BadRequest;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What only a real connection shows.
@Timeout(60)
class TransportTest {
  private static final List<String> SERVICES =
      List.of(
          "tributary.v1.Inference",
          "tributary.v1.Adapters",
          "tributary.v1.Provenance",
          "tributary.v1.Training");

  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = new RpcFixture(folder, RpcFixture.Options.NETTY);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void aPromptOfTenMegabytes_isRefusedAndTheConnectionSurvives() throws Exception {
    fixture.server.serve();
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> neighbour =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("still here").build());
    hold.awaitStep();

    StatusRuntimeException end =
        refused(
            Status.Code.RESOURCE_EXHAUSTED,
            () -> fixture.inference().generateOnce(say("a".repeat(10_000_000)).build()));
    hold.release();

    assertThat(end.getStatus().getDescription()).contains("4194304");
    assertThat(neighbour.get().getText()).as("on the same connection").isEqualTo("still here");
    assertThat(fixture.inference().generateOnce(say("after").build()).getText()).isEqualTo("after");
  }

  @Test
  void aPromptBelowTheMessageLimit_isTooLongForTheContext() {
    fixture.server.serve();

    BadRequest details =
        detail(
            refused(
                Status.Code.INVALID_ARGUMENT,
                () -> fixture.inference().generateOnce(say("a b".repeat(100_000)).build())),
            BadRequest.class);

    assertThat(details.getFieldViolations(0).getField()).isEqualTo("prompt");
  }

  @Test
  void bytesThatAreNoMessage_areInvalidArgument() {
    fixture.server.serve();
    byte[] endsEarly = {0x1A, 0x7F, 'a'};

    StatusRuntimeException end =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                RawCalls.unary(fixture.channel, "tributary.v1.Inference/GenerateOnce", endsEarly));

    assertThat(detail(end, BadRequest.class).getFieldViolationsCount()).isEqualTo(1);
    until(() -> fixture.server.calls() == 0);
  }

  @Test
  void aConnectionThatBreaks_freesItsRows() {
    fixture.server.serve();
    CountDownLatch steps = new CountDownLatch(5);
    fixture.model.onStep = steps::countDown;
    ManagedChannel other =
        NettyChannelBuilder.forAddress("127.0.0.1", fixture.server.boundPort())
            .usePlaintext()
            .build();
    GenerateRequest request = sayMuch(500).build();
    var unused = InferenceGrpc.newFutureStub(other).generateOnce(request);
    until(() -> steps.getCount() == 0);
    other.shutdownNow();

    until(() -> fixture.engine.stats().running() == 0 && fixture.server.calls() == 0);
  }

  @Test
  void manyCalls_overOneConnection_eachGetsItsOwnAnswer() throws Exception {
    fixture.server.serve();
    InferenceGrpc.InferenceFutureStub stub = InferenceGrpc.newFutureStub(fixture.channel);
    List<ListenableFuture<GenerateResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      answers.add(stub.generateOnce(say("line " + i).build()));
    }
    for (int i = 0; i < 50; i++) {
      assertThat(answers.get(i).get().getText()).isEqualTo("line " + i);
    }
  }

  @Test
  void oversizeMetadata_isRefusedAndTheServerLives() {
    fixture.server.serve();
    StatusRuntimeException end =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                fixture
                    .inference()
                    .withInterceptors(bearer("x".repeat(100_000)))
                    .generateOnce(say("never").build()));
    assertThat(end).isNotNull();
    assertThat(fixture.inference().generateOnce(say("after").build()).getText()).isEqualTo("after");
  }

  @Test
  void connectionsThatSayNothing_keepNobodyOut() throws Exception {
    fixture.server.serve();
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        silent.add(new Socket("127.0.0.1", fixture.server.boundPort()));
      }
      assertThat(fixture.inference().generateOnce(say("still").build()).getText())
          .isEqualTo("still");
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  @Test
  void reflection_listsEveryService() throws Exception {
    CompletableFuture<ServerReflectionResponse> answer = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(fixture.channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse response) {
                    answer.complete(response);
                  }

                  @Override
                  public void onError(Throwable error) {
                    answer.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());

    assertThat(answer.get().getListServicesResponse().getServiceList())
        .extracting(ServiceResponse::getName)
        .containsAll(SERVICES)
        .contains("grpc.health.v1.Health")
        .doesNotContain("tributary.v1.Admin");
    requests.onCompleted();
  }

  @Test
  void health_isServingOnlyBetweenWarmingAndDraining() throws Exception {
    assertHealth(ServingStatus.NOT_SERVING);
    fixture.server.serve();
    assertHealth(ServingStatus.SERVING);

    RpcFixture.Hold hold = fixture.holdEngine();
    var running = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(2).build());
    hold.awaitStep();
    Thread drain =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    fixture.server.drain(Duration.ofSeconds(30));
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    until(() -> health("") == ServingStatus.NOT_SERVING);
    assertHealth(ServingStatus.NOT_SERVING);
    fixture.server.serve();
    assertHealth(ServingStatus.NOT_SERVING);
    hold.release();
    assertThat(running.get().getText()).isEqualTo("xx");
    drain.join();
    fixture.server.awaitTermination();
  }

  private void assertHealth(ServingStatus expected) {
    assertThat(health("")).isEqualTo(expected);
    for (String service : SERVICES) {
      assertThat(health(service)).as(service).isEqualTo(expected);
    }
  }

  private ServingStatus health(String service) {
    return HealthGrpc.newBlockingStub(fixture.channel)
        .check(HealthCheckRequest.newBuilder().setService(service).build())
        .getStatus();
  }
}
