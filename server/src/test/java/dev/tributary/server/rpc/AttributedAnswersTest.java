package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Shares;
import dev.tributary.server.engine.LikelihoodJob;
import dev.tributary.server.rpc.Attributing.Answered;
import dev.tributary.server.rpc.Attributing.Attributed;
import dev.tributary.server.rpc.Attributing.Contributor;
import dev.tributary.server.rpc.Attributing.Outcome;
import dev.tributary.server.rpc.Attributing.Reason;
import dev.tributary.server.rpc.Attributing.Share;
import dev.tributary.server.rpc.Attributing.Span;
import dev.tributary.server.rpc.Attributing.Unattributed;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.tlog.Hash;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.AttributionLevel;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Receipt;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of what is said of answers: their records, and what callers hear of them.
@Timeout(60)
class AttributedAnswersTest {
  private static final Hash OTHER = Hash.ofText("sha256:" + "ab".repeat(32));

  private RpcFixture fixture;
  private MemoryJournal journal;

  /// Answers that were asked about, and what a test is to say of each.
  private record Asked(Answered answer, CompletableFuture<Outcome> said) {}

  private final BlockingQueue<Asked> asked = new LinkedBlockingQueue<>();

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
    journal = fixture.journal;
    fixture.attributing =
        answer -> {
          Asked one = new Asked(answer, new CompletableFuture<>());
          asked.add(one);
          return one.said;
        };
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static GenerateRequest.Builder loud(String line, AttributionLevel level) {
    GenerateRequest.Builder request =
        say(line).addAdapters(AdapterSelector.newBuilder().setName("public/loud"));
    request.getAttributionBuilder().setLevel(level);
    return request;
  }

  private static GenerateRequest.Builder loud(String line) {
    return loud(line, AttributionLevel.ATTRIBUTION_LEVEL_UNSPECIFIED);
  }

  private ListenableFuture<GenerateResponse> once(GenerateRequest.Builder request) {
    return InferenceGrpc.newFutureStub(fixture.channel).generateOnce(request.build());
  }

  private AttributionRecord only() {
    until(() -> !journal.records(AttributionRecord.class).isEmpty());
    assertThat(journal.records(AttributionRecord.class)).hasSize(1);
    return journal.records(AttributionRecord.class).getFirst();
  }

  /// Ann 600,000, the base 300,000; bob's data has the beginning of the text, too.
  private static Attributed shares(Hash adapter) {
    Contributor ann = new Contributor(adapter, "ann");
    return new Attributed(
        "spans-v1",
        List.of(new Share(ann, 600_000)),
        300_000,
        100_000,
        List.of(
            new Span(0, 2, List.of(new Contributor(adapter, "bob"), ann)),
            new Span(1, 3, List.of(new Contributor(adapter, "bob")))),
        new byte[] {1, 2});
  }

  private static Hash adapter(Answered answer) {
    return answer.adapters().getFirst().digest();
  }

  private double counted(String method, String outcome) {
    return fixture
        .metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith("tributary_attributions_total{"))
        .filter(line -> line.contains("method=\"" + method + "\""))
        .filter(line -> line.contains("outcome=\"" + outcome + "\""))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private boolean scrapes(String line) {
    return fixture.metrics.scrape().lines().anyMatch(line::equals);
  }

  @Test
  void whoAttributes_isToldAllOfTheAnswer() throws Exception {
    GenerateResponse answer = once(loud("hey")).get();
    Answered told = asked.take().answer;
    GenerationRecord record = journal.records(GenerationRecord.class).getFirst();

    assertThat(told.id()).isEqualTo(record.id());
    assertThat(told.tenant()).isEqualTo("public");
    assertThat(told.leaf()).isEqualTo(answer.getReceipt().getLeafIndex());
    assertThat(told.prompt()).containsExactly('h', 'e', 'y', '\n');
    assertThat(told.output()).containsExactly('H', 'E', 'Y', ByteTokens.END);
    assertThat(told.drawn()).containsExactly(1, 1, 1, 1);
    assertThat(told.text()).isEqualTo("HEY").isEqualTo(answer.getText());
    assertThat(told.adapters()).isEqualTo(record.adapters()).hasSize(1);
    assertThat(told.uses().getFirst().digest()).isEqualTo(adapter(told).text());
    assertThat(told.paths().stream().mapToInt(PathRun::count).sum()).isEqualTo(7);
    assertThat(scrapes("tributary_attributions_pending 1.0")).isTrue();
  }

  @Test
  void whatIsSaid_isRecordedUnderPseudonyms() throws Exception {
    GenerateResponse answer = once(loud("hey")).get();
    Asked one = asked.take();
    assertThat(answer.getReceipt().hasPending()).isTrue();
    assertThat(journal.records(AttributionRecord.class)).isEmpty();
    one.said.complete(shares(adapter(one.answer)));

    AttributionRecord record = only();
    assertThat(record.open().generationLeaf()).isEqualTo(one.answer.leaf());
    assertThat(record.open().method()).isEqualTo("spans-v1");
    assertThat(record.open().shares())
        .isEqualTo(
            new Shares(
                List.of(new Shares.Share(Pseudonym.of(fixture.pseudonymKey, "ann"), 600_000)),
                300_000,
                100_000));
    assertThat(record.contributors()).containsExactly("ann", "bob");
    assertThat(record.spans())
        .containsExactly(
            new AttributionRecord.Span(0, 2, List.of(1, 0)),
            new AttributionRecord.Span(1, 3, List.of(1)));
    assertThat(record.evidence()).containsExactly(1, 2);
    until(() -> scrapes("tributary_attributions_pending 0.0"));
    assertThat(counted("spans-v1", "attributed")).isEqualTo(1);
    assertThat(scrapes("tributary_attribution_time_seconds_count{method=\"spans-v1\"} 1")).isTrue();
  }

  @Test
  void generateOnce_withALevelWaitsForTheShares() throws Exception {
    for (AttributionLevel level :
        List.of(
            AttributionLevel.ATTRIBUTION_LEVEL_SPANS,
            AttributionLevel.ATTRIBUTION_LEVEL_INFLUENCE)) {
      ListenableFuture<GenerateResponse> call = once(loud("hey", level));
      Asked one = asked.take();
      assertThat(call.isDone()).isFalse();
      one.said.complete(shares(adapter(one.answer)));

      Attribution told = call.get().getReceipt().getAttribution();
      assertThat(told.getMethod()).isEqualTo("spans-v1");
      assertThat(told.getBasePpm()).isEqualTo(300_000);
      assertThat(told.getUnattributedPpm()).isEqualTo(100_000);
      assertThat(told.getSharesList())
          .containsExactly(
              Attribution.Share.newBuilder().setContributor("ann").setPpm(600_000).build());
      assertThat(told.getSpansList())
          .containsExactly(
              Attribution.Span.newBuilder()
                  .setEnd(2)
                  .addContributors("bob")
                  .addContributors("ann")
                  .build(),
              Attribution.Span.newBuilder().setStart(1).setEnd(3).addContributors("bob").build());
    }
  }

  @Test
  void generateOnce_ofAnothersAdapterTellsPseudonyms() {
    InferenceGrpc.InferenceBlockingStub acme = fixture.inference("acme");
    CompletableFuture<GenerateResponse> call =
        CompletableFuture.supplyAsync(
            () -> acme.generateOnce(loud("hey", AttributionLevel.ATTRIBUTION_LEVEL_SPANS).build()));
    until(() -> !asked.isEmpty());
    Asked one = asked.remove();
    one.said.complete(shares(adapter(one.answer)));

    String ann = Pseudonym.of(fixture.pseudonymKey, "ann").toString();
    Attribution told = call.join().getReceipt().getAttribution();
    assertThat(told.getSharesList())
        .extracting(Attribution.Share::getContributor)
        .containsExactly(ann);
    assertThat(told.getSpansList())
        .as("who has no share has no pseudonym either")
        .containsExactly(Attribution.Span.newBuilder().setEnd(2).addContributors(ann).build());
  }

  @Test
  void generateOnce_ofTheBaseWaitsForItsRecordAlone() throws Exception {
    GenerateRequest.Builder request = say("hey");
    request.getAttributionBuilder().setLevel(AttributionLevel.ATTRIBUTION_LEVEL_SPANS);
    Attribution told = once(request).get().getReceipt().getAttribution();
    assertThat(told.getMethod()).isEqualTo("base-only-v1");
    assertThat(told.getBasePpm()).isEqualTo(Shares.WHOLE);
    assertThat(asked).isEmpty();
    assertThat(counted("base-only-v1", "base")).isEqualTo(1);
  }

  @Test
  void generate_neverWaits() {
    List<GenerateEvent> events = new ArrayList<>();
    fixture
        .inference()
        .generate(loud("hey", AttributionLevel.ATTRIBUTION_LEVEL_INFLUENCE).build())
        .forEachRemaining(events::add);
    assertThat(events.getLast().getFinished().getReceipt().hasPending()).isTrue();
  }

  @Test
  void levelNone_isToldNothing_andRecordedAsAnyOther() throws Exception {
    GenerateResponse answer = once(loud("hey", AttributionLevel.ATTRIBUTION_LEVEL_NONE)).get();
    assertThat(answer.getReceipt().getOutcomeCase()).isEqualTo(Receipt.OutcomeCase.OUTCOME_NOT_SET);
    Asked one = asked.take();
    one.said.complete(shares(adapter(one.answer)));
    assertThat(only().open().shares().shares().getFirst().ppm()).isEqualTo(600_000);
  }

  @Test
  void aCallerWhoLeavesWhileItWaits_takesNothingFromTheRecord() throws Exception {
    ListenableFuture<GenerateResponse> call =
        once(loud("hey", AttributionLevel.ATTRIBUTION_LEVEL_SPANS));
    Asked one = asked.take();
    call.cancel(true);
    until(() -> fixture.server.calls() == 0);
    assertThat(one.said).isNotDone();
    one.said.complete(shares(adapter(one.answer)));
    assertThat(only().open().method()).isEqualTo("spans-v1");
  }

  @Test
  void whateverGoesWrong_leavesTheAnswerUnattributedAndIsCounted() throws Exception {
    Contributor stranger = new Contributor(OTHER, "eve");
    List<Outcome> wrong =
        List.of(
            new Attributed(
                "spans-v1", List.of(new Share(stranger, 1)), 999_999, 0, List.of(), new byte[0]),
            new Attributed(
                "spans-v1",
                List.of(),
                Shares.WHOLE,
                0,
                List.of(new Span(0, 4, List.of(stranger))),
                new byte[0]));
    for (Outcome outcome : wrong) {
      assertThat(once(loud("hey")).get().getText()).isEqualTo("HEY");
      asked.take().said.complete(outcome);
    }
    once(loud("hey")).get();
    asked.take().said.completeExceptionally(new IllegalStateException("bug"));
    fixture.attributing =
        answer -> {
          throw new IllegalStateException("bug");
        };
    once(loud("hey")).get();
    fixture.attributing =
        answer -> CompletableFuture.completedFuture(new Unattributed(Reason.BACKLOG, "40 wait"));
    once(loud("hey")).get();
    fixture.attributing = Attributing.NONE;
    once(loud("hey")).get();

    until(() -> journal.records(AttributionRecord.class).size() == 6);
    assertThat(journal.records(AttributionRecord.class))
        .extracting(AttributionRecord::open)
        .allSatisfy(
            open -> {
              assertThat(open.shares()).isEqualTo(Shares.unattributed());
              assertThat(open.method()).isEqualTo("unattributed-v1");
            });
    until(() -> scrapes("tributary_attributions_pending 0.0"));
    assertThat(counted("unattributed-v1", "failed")).isEqualTo(4);
    assertThat(counted("unattributed-v1", "backlog")).isEqualTo(1);
    assertThat(counted("unattributed-v1", "not_built")).isEqualTo(1);
  }

  @Test
  void anAnswerThatIsCutShort_isAttributedAsFarAsItCame() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> call =
        once(sayMuch(500).addAdapters(AdapterSelector.newBuilder().setName("loud")));
    hold.awaitStep();
    fixture.model.onStep =
        () -> {
          if (fixture.engine.stats().generatedTokens() > 4) {
            call.cancel(true);
          }
        };
    hold.release();

    Answered told = asked.take().answer;
    GenerationRecord record = journal.records(GenerationRecord.class).getFirst();
    assertThat(told.output())
        .isNotEmpty()
        .containsExactly(record.output().stream().mapToInt(Integer::intValue).toArray());
    assertThat(told.drawn()).hasSameSizeAs(told.output()).containsOnly(1);
    assertThat(told.text()).hasSize(told.output().length);
  }

  @Test
  void anAnswerWithoutATokenIsUnattributedAtOnce() {
    fixture.model.onStep =
        () -> {
          throw new IllegalStateException("the device is on fire");
        };
    assertThat(once(loud("x"))).failsWithin(Duration.ofSeconds(30));
    assertThat(only().open().method()).isEqualTo("unattributed-v1");
    assertThat(asked).isEmpty();
    assertThat(counted("unattributed-v1", "empty")).isEqualTo(1);
  }

  @Test
  void anEchoIsNotPartOfTheText() throws Exception {
    for (boolean logprobs : new boolean[] {false, true}) {
      GenerateRequest.Builder request = loud("héy");
      request.getOutputBuilder().setEcho(true);
      if (logprobs) {
        request.getOutputBuilder().setLogprobs(1);
      }
      GenerateResponse answer = once(request).get();
      Answered told = asked.take().answer;
      assertThat(answer.getText()).startsWith("héy\n");
      assertThat(told.text()).isEqualTo(answer.getText().substring("héy\n".length())).isNotEmpty();
      assertThat(told.output()).hasSize(answer.getUsage().getCompletionTokens());
    }
  }

  @Test
  void theBase_isAskedOfTheEngineBesideTheCalls() throws Exception {
    fixture.attributing =
        answer ->
            fixture
                .engine
                .likelihoods(
                    new LikelihoodJob(
                        answer.id(),
                        answer.tenant(),
                        answer.weight(),
                        answer.prompt(),
                        answer.output(),
                        List.of(),
                        answer.sampling(),
                        OptionalLong.empty(),
                        answer.paths()))
                .thenApply(
                    base ->
                        new Attributed(
                            "test-" + base[0] + base[1] + base[2],
                            List.of(),
                            Shares.WHOLE,
                            0,
                            List.of(),
                            new byte[0]));
    GenerateResponse answer = once(loud("a1b", AttributionLevel.ATTRIBUTION_LEVEL_SPANS)).get();
    assertThat(answer.getText()).isEqualTo("A1B");
    // The base repeats the line as it is: it would have said the digit alone.
    assertThat(answer.getReceipt().getAttribution().getMethod()).isEqualTo("test-0.01.00.0");
  }

  @Test
  void drain_letsWhatWaitsBeAttributed() throws Exception {
    once(loud("hey")).get();
    Asked one = asked.take();
    CompletableFuture<Void> drained =
        CompletableFuture.runAsync(
            () -> {
              try {
                fixture.server.drain(Duration.ofSeconds(30));
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    until(() -> fixture.server.phase().equals("draining"));
    one.said.complete(shares(adapter(one.answer)));
    drained.join();
    assertThat(only().open().method()).isEqualTo("spans-v1");
  }

  @Test
  void drain_leavesUnattributedWhatTakesTooLong() throws Exception {
    once(loud("hey")).get();
    Asked one = asked.take();
    fixture.server.drain(Duration.ZERO);
    assertThat(one.said).isCancelled();
    assertThat(only().open().method()).isEqualTo("unattributed-v1");
    assertThat(counted("unattributed-v1", "ended")).isEqualTo(1);
  }
}
