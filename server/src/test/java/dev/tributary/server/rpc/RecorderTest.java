package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Record;
import dev.tributary.record.Shares;
import dev.tributary.record.StartedRecord;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AttributionLevel;
import dev.tributary.v1.AttributionOptions;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Receipt;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the ledger is told of generations, and what callers get before it is durable.
@Timeout(60)
class RecorderTest {
  private RpcFixture fixture;
  private MemoryJournal journal;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
    journal = fixture.journal;
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  /// Keeps the events of a streamed answer.
  private static final class Events implements StreamObserver<GenerateEvent> {
    final List<GenerateEvent> all = new CopyOnWriteArrayList<>();
    final CompletableFuture<Status> end = new CompletableFuture<>();

    @Override
    public void onNext(GenerateEvent event) {
      all.add(event);
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK);
    }

    List<Integer> tokens() {
      return all.stream().flatMap(event -> event.getDelta().getTokenIdsList().stream()).toList();
    }
  }

  private Events generate(GenerateRequest request) {
    Events events = new Events();
    InferenceGrpc.newStub(fixture.channel).generate(request, events);
    return events;
  }

  private GenerationRecord only() {
    until(() -> !journal.records(GenerationRecord.class).isEmpty());
    assertThat(journal.records(GenerationRecord.class)).hasSize(1);
    return journal.records(GenerationRecord.class).getFirst();
  }

  @Test
  void anAnswer_isRecordedWithAllThatItTakesToGiveItAgain() {
    GenerateResponse answer =
        fixture
            .inference()
            .generateOnce(
                say("hi")
                    .addAdapters(AdapterSelector.newBuilder().setName("loud").setScale(0.5f))
                    .build());

    GenerationRecord record = only();
    StartedRecord started = journal.records(StartedRecord.class).getFirst();
    assertThat(journal.records()).startsWith(started, record);
    assertThat(record.startedLeaf()).isZero();
    assertThat(started.id())
        .isEqualTo(record.id())
        .isEqualTo(answer.getStarted().getGenerationId());
    assertThat(record.tenant()).isEqualTo("public");
    assertThat(String.valueOf(record.base())).isEqualTo(TinyAdapters.BASE_DIGEST);
    assertThat(record.adapters()).isEqualTo(started.adapters()).hasSize(1);
    assertThat(record.adapters().getFirst().name()).isEqualTo("public/loud");
    assertThat(record.adapters().getFirst().digest().text())
        .isEqualTo(answer.getStarted().getAdapters(0).getDigest());
    assertThat(record.adapters().getFirst().scale()).isEqualTo(0.5f);
    assertThat(record.prompt()).containsExactly((int) 'h', (int) 'i', (int) '\n');
    assertThat(record.output()).isEqualTo(answer.getTokenIdsList());
    assertThat(record.usage().completion()).isEqualTo(answer.getUsage().getCompletionTokens());
    assertThat(record.end()).isEqualTo(EndReason.STOP);
    assertThat(record.numerics()).isEqualTo("numerics");
    assertThat(record.paths().stream().mapToInt(GenerationRecord.PathRun::tokens).sum())
        .isEqualTo(record.prompt().size() + record.output().size() - 1);
    assertThat(record.logprobs()).isEqualTo(-1);
    assertThat(record.logprobsDigest()).isNull();
    Receipt receipt = answer.getReceipt();
    assertThat(receipt.getLeafIndex()).isEqualTo(1);
    assertThat(receipt.hasPending()).isTrue();
  }

  @Test
  void anAttribution_followsAndClaimsNothing() {
    fixture.inference().generateOnce(say("base").build());
    fixture
        .inference()
        .generateOnce(
            say("adapted").addAdapters(AdapterSelector.newBuilder().setName("loud")).build());

    until(() -> journal.records(AttributionRecord.class).size() == 2);
    AttributionRecord.Open base = journal.records(AttributionRecord.class).get(0).open();
    AttributionRecord.Open adapted = journal.records(AttributionRecord.class).get(1).open();
    assertThat(base.generationLeaf()).isEqualTo(1);
    assertThat(base.shares().basePpm()).isEqualTo(Shares.WHOLE);
    assertThat(adapted.shares()).isEqualTo(Shares.unattributed());
    assertThat(adapted.method()).isEqualTo("unattributed-v1");
  }

  @Test
  void whoAsksForNoShares_isTodNone_butTheRecordIsTheSame() {
    GenerateResponse answer =
        fixture
            .inference()
            .generateOnce(
                say("x")
                    .setAttribution(
                        AttributionOptions.newBuilder()
                            .setLevel(AttributionLevel.ATTRIBUTION_LEVEL_NONE))
                    .build());
    assertThat(answer.getReceipt().getOutcomeCase()).isEqualTo(Receipt.OutcomeCase.OUTCOME_NOT_SET);
    assertThat(answer.getReceipt().hasLeafIndex()).isTrue();
    until(() -> journal.records(AttributionRecord.class).size() == 1);
  }

  @Test
  void noDelta_isSentBeforeTheStartedRecordIsDurable() {
    journal.hold(Kind.STARTED);
    Events events = generate(say("hi").build());
    until(() -> fixture.engine.stats().generatedTokens() == 3);
    until(journal::isWaiting);
    assertThat(events.tokens()).isEmpty();

    journal.release();
    assertThat(events.end.join().isOk()).isTrue();
    assertThat(events.tokens()).hasSize(3);
  }

  @Test
  void theLastDelta_isNotSentBeforeTheGenerationRecordIsDurable() {
    journal.hold(Kind.GENERATION);
    Events events = generate(sayMuch(5).build());
    until(journal::isWaiting);
    until(() -> events.tokens().size() == 4);
    assertThat(events.end).isNotDone();

    journal.release();
    assertThat(events.end.join().isOk()).isTrue();
    assertThat(events.tokens()).hasSize(5);
    assertThat(events.all.getLast().getFinished().getReceipt().getLeafIndex()).isEqualTo(1);
  }

  @Test
  void aLedgerThatBreaks_endsTheAnswerWithoutItsLastDelta_andLetsNoMoreIn() {
    journal.hold(Kind.GENERATION);
    Events events = generate(sayMuch(5).build());
    until(journal::isWaiting);
    until(() -> events.tokens().size() == 4);

    journal.breakDown(Statuses.unavailable("the disk is gone"));
    assertThat(events.end.join().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(events.tokens()).hasSize(4);
    refused(Status.Code.UNAVAILABLE, () -> fixture.inference().generateOnce(say("x").build()));
    assertThat(fixture.engine.stats().generatedTokens()).isEqualTo(5);
  }

  @Test
  void aCancelledAnswer_isRecordedUpToWhereItCame() {
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> call =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(500).build());
    hold.awaitStep();
    call.cancel(true);
    hold.release();

    GenerationRecord record = only();
    assertThat(record.end()).isEqualTo(EndReason.CANCELLED);
    assertThat(record.output()).hasSizeLessThan(500).containsOnly((int) 'x');
    assertThat(record.usage().completion()).isEqualTo(record.output().size());
    assertThat(record.paths()).isNotEmpty();
    until(() -> journal.records(AttributionRecord.class).size() == 1);
  }

  @Test
  void aDeadline_isRecordedAsOne() {
    fixture.inference().generateOnce(say("first").build());
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> call =
        InferenceGrpc.newFutureStub(fixture.channel)
            .withDeadlineAfter(2, TimeUnit.SECONDS)
            .generateOnce(sayMuch(500).build());
    hold.awaitStep();
    assertThat(call).failsWithin(java.time.Duration.ofSeconds(30));
    hold.release();

    until(() -> journal.records(GenerationRecord.class).size() == 2);
    assertThat(journal.records(GenerationRecord.class).get(1).end()).isEqualTo(EndReason.DEADLINE);
  }

  @Test
  void aReaderThatTakesNothing_isRecordedAsGone() throws Exception {
    var call =
        fixture.channel.newCall(InferenceGrpc.getGenerateMethod(), io.grpc.CallOptions.DEFAULT);
    call.start(new io.grpc.ClientCall.Listener<>() {}, new io.grpc.Metadata());
    call.sendMessage(sayMuch(400).build());
    call.halfClose();
    call.request(2);
    var unused = fixture.delay.given.take();
    fixture.delay.elapse();

    assertThat(only().end()).isIn(EndReason.DISCONNECTED, EndReason.LENGTH);
  }

  @Test
  void aJobThatNeverLeftTheQueue_hasNoRecord() {
    RpcFixture.Hold hold = fixture.holdEngine();
    Events first = generate(sayMuch(2).build());
    hold.awaitStep();
    ListenableFuture<GenerateResponse> second =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(2).build());
    until(() -> fixture.server.calls() == 2);
    second.cancel(true);
    hold.release();

    assertThat(first.end.join().isOk()).isTrue();
    until(() -> fixture.server.calls() == 0);
    assertThat(journal.records(GenerationRecord.class)).hasSize(1);
    assertThat(journal.records(StartedRecord.class)).hasSize(1);
  }

  @Test
  void anEngineThatFails_leavesARecord() {
    fixture.model.onStep =
        () -> {
          throw new IllegalStateException("the device is on fire");
        };
    refused(Status.Code.INTERNAL, () -> fixture.inference().generateOnce(say("x").build()));
    GenerationRecord record = only();
    assertThat(record.end()).isEqualTo(EndReason.FAILED);
    assertThat(record.output()).isEmpty();
  }

  @Test
  void everyStartedRecord_hasOneGenerationRecord() {
    for (int i = 0; i < 30; i++) {
      ListenableFuture<GenerateResponse> call =
          InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(1 + i * 7).build());
      if (i % 3 == 0) {
        call.cancel(true);
      }
    }
    until(() -> fixture.server.calls() == 0 && fixture.engine.stats().running() == 0);
    List<String> started =
        journal.records(StartedRecord.class).stream().map(StartedRecord::id).toList();
    assertThat(journal.records(GenerationRecord.class).stream().map(GenerationRecord::id))
        .containsExactlyInAnyOrderElementsOf(started)
        .doesNotHaveDuplicates();
    for (GenerationRecord record : journal.records(GenerationRecord.class)) {
      Record leaf = journal.records().get((int) record.startedLeaf());
      assertThat(((StartedRecord) leaf).id()).isEqualTo(record.id());
    }
  }

  @Test
  void logprobs_areRecordedByTheirDigest() {
    GenerateRequest.Builder request = say("hey");
    request.getOutputBuilder().setLogprobs(2);
    fixture.inference().generateOnce(request.build());
    request.getOutputBuilder().setEcho(true);
    fixture.inference().generateOnce(request.build());
    request.getOutputBuilder().setLogprobs(1);
    fixture.inference().generateOnce(request.build());

    List<GenerationRecord> records = journal.records(GenerationRecord.class);
    assertThat(records.get(0).logprobs()).isEqualTo(2);
    assertThat(records.get(0).logprobsDigest())
        .isNotNull()
        .as("what was echoed is not part of it")
        .isEqualTo(records.get(1).logprobsDigest())
        .isNotEqualTo(records.get(2).logprobsDigest());
    assertThat(records.get(1).echo()).isTrue();
  }

  @Test
  void aRefusalOfTheLedgerBeforeTheFirstToken_endsTheCallWithItsStatusAndIsNotCharged() {
    journal.hold(Kind.STARTED);
    GenerateRequest request = sayMuch(500).setRequestId("again").build();
    Events events = generate(request);
    until(journal::isWaiting);
    StatusRuntimeException full = Statuses.exhausted("full", java.time.Duration.ofSeconds(1));
    journal.breakDown(full);

    assertThat(events.end.join().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    until(() -> fixture.engine.stats().running() == 0);
    assertThat(events.tokens()).isEmpty();
    until(() -> fixture.server.calls() == 0);
    journal.mend();
    assertThat(fixture.inference().generateOnce(request).getTokenIdsCount()).isPositive();
  }
}
