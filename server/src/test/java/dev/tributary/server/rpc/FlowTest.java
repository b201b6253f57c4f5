package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.ErrorInfo;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Readers that are slow, stop or vanish, and deadlines.
@Timeout(60)
class FlowTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  /// A client that takes only what it asks for.
  private final class Reader extends ClientCall.Listener<GenerateEvent> {
    final ClientCall<GenerateRequest, GenerateEvent> call;
    final CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
    final AtomicInteger events = new AtomicInteger();

    Reader(GenerateRequest request) {
      call =
          fixture.channel.newCall(InferenceGrpc.getGenerateMethod(), io.grpc.CallOptions.DEFAULT);
      call.start(this, new Metadata());
      call.sendMessage(request);
      call.halfClose();
    }

    @Override
    public void onMessage(GenerateEvent event) {
      events.incrementAndGet();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      end.complete(status.asRuntimeException(trailers));
    }
  }

  @Test
  void aClientThatStopsReading_doesNotStopItsRow_andLosesTheCall() throws Exception {
    Reader reader = new Reader(sayMuch(300).addAdapters(named("loud")).build());
    reader.call.request(2);

    FakeDelay.Task timeout = fixture.delay.given.take();
    assertThat(timeout.delay()).isEqualTo(RpcFixture.STREAM_IDLE);
    until(() -> fixture.engine.stats().generatedTokens() == 300);
    until(() -> fixture.engine.stats().running() == 0);
    assertThat(fixture.store.get(Caller.PUBLIC, "loud").leases()).isZero();
    assertThat(reader.end).isNotDone();

    fixture.delay.elapse();
    until(() -> fixture.server.calls() == 0);
    reader.call.request(1);
    StatusRuntimeException end = reader.end.get();
    assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("STREAM_IDLE");
    assertThat(reader.events).hasValueLessThan(10);
  }

  @Test
  void aSlowReader_getsTheWholeAnswer() throws Exception {
    Reader reader = new Reader(sayMuch(50).build());
    for (int i = 1; i <= 52; i++) {
      reader.call.request(1);
      int expected = i;
      until(() -> reader.events.get() == expected);
    }
    reader.call.request(1);
    assertThat(reader.end.get().getStatus().isOk()).isTrue();
    until(() -> fixture.server.calls() == 0);
    assertThat(fixture.delay.waiting()).as("no timer outlives its call").isZero();
  }

  @Test
  void aClientThatVanishes_freesItsRow() {
    CountDownLatch steps = new CountDownLatch(5);
    fixture.model.onStep = steps::countDown;
    Reader reader = new Reader(sayMuch(500).addAdapters(named("loud")).build());
    reader.call.request(1);
    until(() -> steps.getCount() == 0);

    reader.call.cancel("gone", null);

    until(() -> fixture.engine.stats().running() == 0 && fixture.server.calls() == 0);
    until(() -> fixture.store.get(Caller.PUBLIC, "loud").leases() == 0);
    assertThat(text("after")).isEqualTo("after");
  }

  @Test
  void aClientThatVanishesInTheQueue_leavesIt() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    var running = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(2).build());
    hold.awaitStep();
    Reader reader = new Reader(sayMuch(10).build());
    until(() -> fixture.server.calls() == 2);
    reader.call.cancel("gone", null);
    hold.release();

    until(() -> fixture.server.calls() == 0 && fixture.engine.stats().waiting() == 0);
    assertThat(running.get().getText()).isEqualTo("xx");
  }

  @Test
  void aClientThatVanishesDuringALoad_givesUpItsLease() {
    CompletableFuture<Object> gate = new CompletableFuture<>();
    fixture.adapters.gate = gate;
    Reader reader = new Reader(say("a").addAdapters(named("louder")).build());
    until(() -> fixture.server.calls() == 1);
    reader.call.cancel("gone", null);
    until(() -> fixture.server.calls() == 0);

    gate.complete("");
    assertThat(
            fixture
                .inference()
                .generateOnce(say("a").addAdapters(named("louder")).build())
                .getText())
        .isEqualTo("A");
    until(() -> fixture.store.get(Caller.PUBLIC, "louder").leases() == 0);
  }

  @Test
  void aDeadlineThatPasses_endsTheCallAndFreesTheRow() {
    RpcFixture.Hold hold = fixture.holdEngine();
    refused(
        Status.Code.DEADLINE_EXCEEDED,
        () -> {
          Iterator<GenerateEvent> events =
              fixture
                  .inference()
                  .withDeadlineAfter(50, TimeUnit.MILLISECONDS)
                  .generate(sayMuch(10).build());
          events.forEachRemaining(event -> {});
        });
    hold.release();

    until(() -> fixture.engine.stats().running() == 0 && fixture.server.calls() == 0);
    assertThat(text("after")).isEqualTo("after");
  }

  @Test
  void aScoreThatIsCancelled_freesItsRows() {
    RpcFixture.Hold hold = fixture.holdEngine();
    refused(
        Status.Code.DEADLINE_EXCEEDED,
        () ->
            fixture
                .inference()
                .withDeadlineAfter(50, TimeUnit.MILLISECONDS)
                .score(ScoreTest.request("a", "b").build()));
    hold.release();

    until(() -> fixture.engine.stats().running() == 0 && fixture.server.calls() == 0);
  }

  private String text(String line) {
    return fixture.inference().generateOnce(say(line).build()).getText();
  }

  private static AdapterSelector named(String name) {
    return AdapterSelector.newBuilder().setName(name).build();
  }
}
