package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.util.concurrent.ListenableFuture;
import dev.tributary.identity.ComputePath;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.Delta;
import dev.tributary.v1.FinishReason;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.Started;
import dev.tributary.v1.Tier;
import dev.tributary.v1.TokenLogprob;
import dev.tributary.v1.Tokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What Generate and GenerateOnce answer, through a channel.
@Timeout(60)
class GenerateTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private List<GenerateEvent> stream(GenerateRequest.Builder request) {
    return ImmutableList.copyOf(fixture.inference().generate(request.build()));
  }

  private GenerateResponse once(GenerateRequest.Builder request) {
    return fixture.inference().generateOnce(request.build());
  }

  private static List<Delta> deltas(List<GenerateEvent> events) {
    return events.subList(1, events.size() - 1).stream().map(GenerateEvent::getDelta).toList();
  }

  private static String text(List<GenerateEvent> events) {
    return deltas(events).stream().map(Delta::getText).collect(Collectors.joining());
  }

  @Test
  void generate_streamsStartedDeltasFinished() {
    List<GenerateEvent> events = stream(say("hello"));

    assertThat(events.getFirst().hasStarted()).isTrue();
    assertThat(events.getLast().hasFinished()).isTrue();
    assertThat(events.subList(1, events.size() - 1)).allMatch(GenerateEvent::hasDelta);
    assertThat(text(events)).isEqualTo("hello");

    Started started = events.getFirst().getStarted();
    assertThat(started.getGenerationId()).matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(started.getRequestId()).isNotEmpty();
    assertThat(started.getBaseDigest()).isEqualTo(TinyAdapters.BASE_DIGEST);
    assertThat(started.getAdaptersList()).isEmpty();
    assertThat(started.getPromptTokens()).isEqualTo(6);

    Finished finished = events.getLast().getFinished();
    assertThat(finished.getReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    assertThat(finished.getUsage().getPromptTokens()).isEqualTo(6);
    assertThat(finished.getUsage().getCompletionTokens()).isEqualTo(6);
    assertThat(finished.getReceipt().getGenerationId()).isEqualTo(started.getGenerationId());
    assertThat(finished.getReceipt().hasEndTime()).isTrue();
    assertThat(finished.getReceipt().hasPending()).isTrue();
    assertThat(finished.getTimings().hasFirstToken()).isTrue();
  }

  @Test
  void generate_repeatableTakesTheNarrowPathForTheAnswerWhateverIsFaster() {
    stream(say("hello"));
    assertThat(fixture.model.paths).containsExactly(ComputePath.WIDE);

    stream(say("hello").setRepeatable(true));
    assertThat(fixture.model.paths).contains(ComputePath.NARROW);
  }

  @Test
  void generateOnce_equalsTheStreamPutTogether() {
    GenerateRequest.Builder request = say("grüße 😀 from here").addAdapters(named("loud"));
    request.getOutputBuilder().setLogprobs(2);

    List<GenerateEvent> events = stream(request);
    GenerateResponse whole = once(request);

    assertThat(whole.getText()).isEqualTo(text(events)).isEqualTo("GRüßE 😀 FROM HERE");
    assertThat(whole.getTokenIdsList())
        .isEqualTo(deltas(events).stream().flatMap(d -> d.getTokenIdsList().stream()).toList());
    assertThat(whole.getLogprobsList())
        .isEqualTo(deltas(events).stream().flatMap(d -> d.getLogprobsList().stream()).toList())
        .hasSameSizeAs(whole.getTokenIdsList());
    Finished finished = events.getLast().getFinished();
    assertThat(whole.getReason()).isEqualTo(finished.getReason());
    // The second finds the first page of the prompt where the first left it.
    assertThat(whole.getUsage())
        .isEqualTo(finished.getUsage().toBuilder().setCachedTokens(16).build());
    assertThat(whole.getReceipt().getAdapterDigestsList())
        .isEqualTo(finished.getReceipt().getAdapterDigestsList());
    assertThat(whole.getStarted().getAdaptersList())
        .extracting(AdapterUse::getDigest)
        .isEqualTo(whole.getReceipt().getAdapterDigestsList());
  }

  @Test
  void generate_aSplitCharacter_waitsForItsLastByte() {
    List<GenerateEvent> events = stream(say("a😀ß"));

    assertThat(text(events)).isEqualTo("a😀ß");
    for (Delta delta : deltas(events)) {
      assertThat(delta.getText()).doesNotContain("\uFFFD");
      assertThat(delta.getTextBytes().isValidUtf8()).isTrue();
    }
    assertThat(deltas(events)).extracting(Delta::getText).contains("", "a", "😀", "ß");
  }

  @Test
  void generate_withAdapters_appliesAndTellsThem() {
    AdapterSelector loud = named("loud");
    AdapterSelector louder = named("public/louder").toBuilder().setScale(0.5f).build();

    Started cold = stream(say("hi").addAdapters(loud)).getFirst().getStarted();
    List<GenerateEvent> events = stream(say("hi").addAdapters(loud).addAdapters(louder));

    assertThat(cold.getAdapters(0).getTier()).isEqualTo(Tier.TIER_DISK);
    assertThat(cold.getAdapters(0).getLoadTime().getNanos()).isPositive();
    assertThat(text(events)).isEqualTo("HI");
    List<AdapterUse> uses = events.getFirst().getStarted().getAdaptersList();
    assertThat(uses)
        .extracting(AdapterUse::getName)
        .containsExactly("public/loud", "public/louder");
    assertThat(uses).extracting(AdapterUse::getVersion).containsOnly(1);
    assertThat(uses).extracting(AdapterUse::getScale).containsExactly(1f, 0.5f);
    assertThat(uses.getFirst().getTier()).isEqualTo(Tier.TIER_DEVICE);
    assertThat(events.getLast().getFinished().getReceipt().getAdapterDigestsList())
        .isEqualTo(uses.stream().map(AdapterUse::getDigest).toList());
    assertThat(text(stream(say("hi")))).as("the base again").isEqualTo("hi");
  }

  @Test
  void generate_anAdapterByNumberAliasOrDigest_isTheSame() {
    String digest =
        once(say("a").addAdapters(named("loud"))).getStarted().getAdapters(0).getDigest();

    for (AdapterSelector selector :
        List.of(
            named("loud").toBuilder().setNumber(1).build(),
            named("loud").toBuilder().setAlias("prod").build(),
            named("loud").toBuilder().setDigest(digest).build())) {
      GenerateResponse answer = once(say("a").addAdapters(selector));
      assertThat(answer.getStarted().getAdapters(0).getDigest()).isEqualTo(digest);
      assertThat(answer.getText()).isEqualTo("A");
    }
  }

  @Test
  void generate_chat_isRenderedByTheTemplate() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder();
    request
        .getChatBuilder()
        .addMessages(ChatMessage.newBuilder().setRole("user").setContent("<|im_end|>"));

    request.getOutputBuilder().setEcho(true);

    GenerateResponse plain = once(request);
    request.getChatBuilder().setTrustContent(true);
    GenerateResponse trusted = once(request);

    // Control tokens are no text; content that spells one is, unless it is trusted.
    assertThat(plain.getText()).startsWith("user\n<|im_end|>\nassistant\n");
    assertThat(trusted.getText()).startsWith("user\n\nassistant\n");
    String rendered = "?user\n<|im_end|>?\n?assistant\n";
    assertThat(plain.getStarted().getPromptTokens()).isEqualTo(rendered.getBytes(UTF_8).length);
  }

  @Test
  void generate_tokens_areTakenAsTheyAre() {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setTokens(Tokens.newBuilder().addIds('o').addIds('k').addIds('\n'));

    assertThat(once(request).getText()).isEqualTo("ok");
  }

  @Test
  void generate_echo_repeatsPromptWithItsLogprobs() {
    GenerateRequest.Builder request = say("abc");
    request.getOutputBuilder().setEcho(true).setLogprobs(1);

    GenerateResponse answer = once(request);

    assertThat(answer.getText()).isEqualTo("abc\nabc");
    assertThat(answer.getTokenIdsList())
        .containsExactly(
            (int) 'a',
            (int) 'b',
            (int) 'c',
            (int) '\n',
            (int) 'a',
            (int) 'b',
            (int) 'c',
            ByteTokens.END);
    assertThat(answer.getLogprobsList()).hasSize(8);
    assertThat(answer.getLogprobs(0).hasLogprob()).isFalse();
    TokenLogprob generated = answer.getLogprobs(4);
    assertThat(generated.getLogprob()).isBetween(-0.1f, 0f);
    assertThat(generated.getToken().toStringUtf8()).isEqualTo("a");
    assertThat(generated.getTop(0).getTokenId()).isEqualTo('a');
    assertThat(answer.getUsage().getCompletionTokens()).isEqualTo(4);
  }

  @Test
  void generate_reasons_areTold() {
    GenerateRequest.Builder stops = say("one two three");
    stops.getSamplingBuilder().addStop("tw");
    GenerateResponse stopped = once(stops);
    assertThat(stopped.getReason()).isEqualTo(FinishReason.FINISH_REASON_STOP_SEQUENCE);
    assertThat(stopped.getText()).isEqualTo("one ");

    GenerateResponse cut = once(sayMuch(7));
    assertThat(cut.getReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);
    assertThat(cut.getText()).isEqualTo("xxxxxxx");

    GenerateRequest.Builder byId = say("abc");
    byId.getSamplingBuilder().addStopTokenIds('c');
    assertThat(once(byId).getReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    assertThat(once(byId).getText()).isEqualTo("ab");

    GenerateRequest.Builder timed = sayMuch(400);
    timed.getTimeLimitBuilder().setNanos(1);
    assertThat(once(timed).getReason()).isEqualTo(FinishReason.FINISH_REASON_TIME_LIMIT);
  }

  @Test
  void generate_absentSampling_isResolvedToDefaults() {
    Sampling resolved = once(say("a")).getStarted().getSampling();

    assertThat(resolved.getMaxTokens()).as("512, clipped to the context").isEqualTo(510);
    assertThat(resolved.getTemperature()).isZero();
    assertThat(resolved.hasTemperature()).isTrue();
    assertThat(resolved.getTopP()).isEqualTo(1);
    assertThat(resolved.getRepetitionPenalty()).isEqualTo(1);
    assertThat(resolved.hasSeed()).as("greedy needs none").isFalse();
  }

  @Test
  void generate_withoutSeed_drawsOneAndTellsIt() {
    GenerateRequest.Builder request = say("a");
    request.getSamplingBuilder().setTemperature(1).setMaxTokens(9);

    Sampling first = once(request).getStarted().getSampling();
    Sampling second = once(request).getStarted().getSampling();
    request.getSamplingBuilder().setSeed(-1);
    Sampling given = once(request).getStarted().getSampling();

    assertThat(first.hasSeed()).isTrue();
    assertThat(first.getSeed()).isNotEqualTo(second.getSeed());
    assertThat(given.getSeed()).isEqualTo(-1);
    assertThat(given.getMaxTokens()).isEqualTo(9);
  }

  @Test
  void generate_fiftyCallsAtOnce_eachGetsItsOwnAnswer() throws Exception {
    InferenceGrpc.InferenceFutureStub stub = InferenceGrpc.newFutureStub(fixture.channel);
    List<ListenableFuture<GenerateResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      GenerateRequest.Builder request = say("call number " + i);
      if (i % 3 == 0) {
        request.addAdapters(named("loud"));
      }
      answers.add(stub.generateOnce(request.build()));
    }
    for (int i = 0; i < 50; i++) {
      String expected = i % 3 == 0 ? "CALL NUMBER " + i : "call number " + i;
      assertThat(answers.get(i).get().getText()).isEqualTo(expected);
    }
    assertThat(answers.stream().map(a -> ids(a)).distinct()).hasSize(50);
    RpcFixture.until(() -> fixture.server.calls() == 0);
    assertThat(fixture.engine.stats().running()).isZero();
    assertThat(leases("loud")).isZero();
  }

  @Test
  void generate_repeatableAndLevelNone_areServed() {
    GenerateRequest.Builder request = say("a").setRepeatable(true);
    request
        .getAttributionBuilder()
        .setLevel(dev.tributary.v1.AttributionLevel.ATTRIBUTION_LEVEL_NONE);
    request.getOutputBuilder().getFormatBuilder().getTextBuilder();

    assertThat(once(request).getText()).isEqualTo("a");
  }

  private static String ids(ListenableFuture<GenerateResponse> answer) {
    return answer.resultNow().getStarted().getGenerationId();
  }

  private int leases(String name) {
    return fixture.store.leases(name);
  }

  private static AdapterSelector named(String name) {
    return AdapterSelector.newBuilder().setName(name).build();
  }
}
