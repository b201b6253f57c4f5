package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.ReplayRequest;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.Tokens;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Every status of api.md's table that can occur, through a channel.
@Timeout(60)
class StatusTest {
  @TempDir private Path folder;
  private RpcFixture fixture;

  @BeforeEach
  void start() {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private void restart(RpcFixture.Options options) {
    fixture.close();
    fixture = RpcFixture.serving(folder, options);
  }

  private StatusRuntimeException refusal(Status.Code code, GenerateRequest.Builder request) {
    StatusRuntimeException once =
        refused(code, () -> fixture.inference().generateOnce(request.build()));
    StatusRuntimeException stream =
        refused(
            code,
            () -> fixture.inference().generate(request.build()).forEachRemaining(event -> {}));
    assertThat(stream.getStatus().getDescription()).isEqualTo(once.getStatus().getDescription());
    return once;
  }

  private void assertField(String field, GenerateRequest.Builder request) {
    BadRequest details = detail(refusal(Status.Code.INVALID_ARGUMENT, request), BadRequest.class);
    assertThat(details.getFieldViolationsList())
        .extracting(BadRequest.FieldViolation::getField)
        .containsExactly(field);
    assertThat(details.getFieldViolations(0).getDescription()).isNotEmpty();
  }

  private static GenerateRequest.Builder sampled(Sampling.Builder sampling) {
    return say("a").setSampling(sampling);
  }

  private static Sampling.Builder sampling() {
    return Sampling.newBuilder();
  }

  private static GenerateRequest.Builder with(AdapterSelector.Builder adapter) {
    return say("a").addAdapters(adapter);
  }

  private static AdapterSelector.Builder named(String name) {
    return AdapterSelector.newBuilder().setName(name);
  }

  private static GenerateRequest.Builder chat(String role, String content) {
    return GenerateRequest.newBuilder()
        .setChat(
            Chat.newBuilder()
                .addMessages(ChatMessage.newBuilder().setRole(role).setContent(content)));
  }

  @Test
  void invalidArgument_input_namesTheField() {
    assertField("input", GenerateRequest.newBuilder());
    assertField("prompt", GenerateRequest.newBuilder().setPrompt(""));
    assertField("prompt", GenerateRequest.newBuilder().setPrompt("a".repeat(512)));
    assertField("tokens", GenerateRequest.newBuilder().setTokens(Tokens.getDefaultInstance()));
    assertField(
        "tokens.ids[1]",
        GenerateRequest.newBuilder().setTokens(Tokens.newBuilder().addIds(1).addIds(258)));
    assertField(
        "tokens.ids[0]", GenerateRequest.newBuilder().setTokens(Tokens.newBuilder().addIds(-1)));
    assertField("chat.messages", GenerateRequest.newBuilder().setChat(Chat.getDefaultInstance()));
    assertField("chat.messages[0].role", chat("root", "hello"));
    assertField("chat.messages[0].role", chat("x".repeat(1 << 20), "hello"));
    GenerateRequest.Builder taken = chat("user", "hello");
    taken
        .getChatBuilder()
        .getTemplateVarsBuilder()
        .putFields("messages", com.google.protobuf.Value.newBuilder().setStringValue("x").build());
    assertField("chat", taken);
  }

  @Test
  void invalidArgument_sampling_namesTheField() {
    assertField("sampling.max_tokens", sampled(sampling().setMaxTokens(0)));
    assertField("sampling.temperature", sampled(sampling().setTemperature(Float.NaN)));
    assertField("sampling.temperature", sampled(sampling().setTemperature(-1)));
    assertField("sampling.top_k", sampled(sampling().setTopK(-1)));
    assertField("sampling.top_p", sampled(sampling().setTopP(0)));
    assertField("sampling.min_p", sampled(sampling().setMinP(2)));
    assertField("sampling.repetition_penalty", sampled(sampling().setRepetitionPenalty(0)));
    assertField("sampling.presence_penalty", sampled(sampling().setPresencePenalty(11)));
    assertField("sampling.frequency_penalty", sampled(sampling().setFrequencyPenalty(-11)));
    assertField("sampling.stop[0]", sampled(sampling().addStop("")));
    assertField("sampling.stop[1]", sampled(sampling().addStop("a").addStop("é".repeat(129))));
    assertField("sampling.stop_token_ids", sampled(sampling().addStopTokenIds(258)));
    assertField("sampling.logit_bias[258]", sampled(sampling().putLogitBias(258, 1)));
    assertField(
        "sampling.logit_bias[7]", sampled(sampling().putLogitBias(7, Float.POSITIVE_INFINITY)));
  }

  @Test
  void invalidArgument_otherFields_namesThem() {
    assertField("request_id", say("a").setRequestId("é".repeat(65)));
    assertField("affinity_key", say("a").setAffinityKey("a".repeat(129)));
    GenerateRequest.Builder output = say("a");
    output.getOutputBuilder().setLogprobs(21);
    assertField("output.logprobs", output);
    GenerateRequest.Builder format = say("a");
    format.getOutputBuilder().getFormatBuilder();
    assertField("output.format", format);
    GenerateRequest.Builder limit = say("a");
    limit.getTimeLimitBuilder().setSeconds(-1);
    assertField("time_limit", limit);
    assertField("priority", say("a").setPriorityValue(9));
  }

  @Test
  void invalidArgument_adapters_namesTheSelector() {
    assertField("adapters[0].name", with(named("")));
    assertField("adapters[0].name", with(named("../etc")));
    assertField("adapters[0].name", with(named("a/b/c")));
    assertField("adapters[0].scale", with(named("loud").setScale(8.5f)));
    assertField("adapters[0].scale", with(named("loud").setScale(Float.NaN)));
    assertField("adapters[0].number", with(named("loud").setNumber(0)));
    assertField("adapters[0].alias", with(named("loud").setAlias("Prod")));
    assertField("adapters[0].digest", with(named("loud").setDigest("sha256:zz")));
    assertField("adapters[1]", with(named("loud")).addAdapters(named("public/loud").setNumber(1)));
  }

  @Test
  void invalidArgument_aThousandAdapters_isRefusedBeforeAnyIsLookedUp() {
    GenerateRequest.Builder request = say("a");
    for (int i = 0; i < 1_000; i++) {
      request.addAdapters(named("adapter-" + i));
    }
    assertField("adapters", request);
  }

  @Test
  void invalidArgument_unknownFields_namesTheirNumbersAtAnyDepth() {
    UnknownFieldSet unknown =
        UnknownFieldSet.newBuilder()
            .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    assertField("999", say("a").setUnknownFields(unknown));
    assertField("sampling.999", sampled(sampling().setUnknownFields(unknown)));
    assertField("adapters[0].999", with(named("loud").setUnknownFields(unknown)));
    GenerateRequest.Builder deep = chat("user", "a");
    deep.getChatBuilder().getMessagesBuilder(0).setUnknownFields(unknown);
    assertField("chat.messages[0].999", deep);
    StatusRuntimeException unary =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                fixture
                    .inference()
                    .getModel(GetModelRequest.newBuilder().setUnknownFields(unknown).build()));
    assertThat(unary.getStatus().getDescription()).contains("999");
  }

  @Test
  void notFound_isTheSameForUnknownAndForAnotherTenants() {
    StatusRuntimeException unknown = refusal(Status.Code.NOT_FOUND, with(named("nobody")));
    StatusRuntimeException theirs = refusal(Status.Code.NOT_FOUND, with(named("acme/loud")));

    assertThat(detail(unknown, ResourceInfo.class).getResourceType()).isEqualTo("adapter");
    assertThat(detail(theirs, ResourceInfo.class).getResourceName()).isEqualTo("acme/loud");
    assertThat(unknown.getStatus().getDescription()).isEqualTo("there is no adapter \"nobody\"");
    assertThat(theirs.getStatus().getDescription()).isEqualTo("there is no adapter \"acme/loud\"");
  }

  @Test
  void alreadyExists_aChargedRequestId_namesTheFirstGeneration() {
    String first =
        fixture
            .inference()
            .generateOnce(say("a").setRequestId("r1").build())
            .getStarted()
            .getGenerationId();

    StatusRuntimeException again = refusal(Status.Code.ALREADY_EXISTS, say("b").setRequestId("r1"));

    assertThat(detail(again, ErrorInfo.class).getMetadataMap())
        .containsEntry("generation_id", first);
  }

  @Test
  void alreadyExists_doesNotHoldForARequestThatCostNothing() {
    refusal(Status.Code.NOT_FOUND, with(named("nobody")).setRequestId("r2"));
    refusal(
        Status.Code.INVALID_ARGUMENT, sampled(sampling().addStopTokenIds(999)).setRequestId("r2"));

    assertThat(
            fixture
                .inference()
                .generateOnce(say("a").setRequestId("r2").build())
                .getStarted()
                .getRequestId())
        .isEqualTo("r2");
  }

  @Test
  void failedPrecondition_adapters_saysWhich() {
    fixture
        .adapters
        .write("foreign", 3, "other/base", "")
        .write("odd", 4, TinyAdapters.BASE, ",\"lora_bias\":true")
        .write("broken", Float.NaN)
        .writeDora("dora", 5);

    StatusRuntimeException base = refusal(Status.Code.FAILED_PRECONDITION, with(named("foreign")));
    assertThat(violation(base).getSubject()).isEqualTo("other/base");
    StatusRuntimeException feature = refusal(Status.Code.FAILED_PRECONDITION, with(named("odd")));
    assertThat(violation(feature).getType()).isEqualTo("ADAPTER_FEATURE");
    assertThat(violation(feature).getSubject()).isEqualTo("lora_bias");
    assertThat(feature.getStatus().getDescription()).contains("\"odd\"");
    StatusRuntimeException alias =
        refusal(Status.Code.FAILED_PRECONDITION, with(named("loud").setAlias("canary")));
    assertThat(violation(alias).getSubject()).contains("canary");
    assertThat(alias.getStatus().getDescription()).contains("version 1");
    StatusRuntimeException numbers =
        refusal(Status.Code.FAILED_PRECONDITION, with(named("broken")));
    assertThat(violation(numbers).getSubject()).contains("q_proj");
    StatusRuntimeException scaled =
        refusal(Status.Code.FAILED_PRECONDITION, with(named("dora").setScale(0.5f)));
    assertThat(violation(scaled).getDescription()).contains("DoRA");
    refusal(Status.Code.FAILED_PRECONDITION, with(named("dora")).addAdapters(named("loud")));
    assertThat(fixture.inference().generateOnce(with(named("dora")).build()).getText())
        .isEqualTo("A");
  }

  @Test
  void failedPrecondition_chatWithoutTemplate() {
    restart(new RpcFixture.Options(false, 8, 64, 128, 1 << 20, false));

    StatusRuntimeException end = refusal(Status.Code.FAILED_PRECONDITION, chat("user", "hello"));

    assertThat(violation(end).getSubject()).isEqualTo("chat");
  }

  private static PreconditionFailure.Violation violation(StatusRuntimeException status) {
    return detail(status, PreconditionFailure.class).getViolations(0);
  }

  @Test
  void resourceExhausted_aFullQueue_saysWhenToRetry() throws Exception {
    restart(new RpcFixture.Options(false, 1, 1, 128, 1 << 20, true));
    RpcFixture.Hold hold = fixture.holdEngine();
    InferenceGrpc.InferenceFutureStub stub = InferenceGrpc.newFutureStub(fixture.channel);
    var running = stub.generateOnce(sayMuch(2).build());
    hold.awaitStep();
    var second = stub.generateOnce(sayMuch(2).build());
    var third = stub.generateOnce(sayMuch(2).build());
    // One of the two finds the only place in the queue taken by the other.
    until(() -> second.isDone() || third.isDone());
    var refused = second.isDone() ? second : third;
    var waiting = second.isDone() ? third : second;

    StatusRuntimeException end = refused(Status.Code.RESOURCE_EXHAUSTED, () -> result(refused));

    assertThat(detail(end, RetryInfo.class).getRetryDelay().getSeconds()).isEqualTo(2);
    hold.release();
    assertThat(running.get().getText()).isEqualTo("xx");
    assertThat(waiting.get().getText()).isEqualTo("xx");
  }

  private static void result(Future<?> answer) throws Throwable {
    try {
      answer.get();
    } catch (ExecutionException e) {
      throw e.getCause();
    }
  }

  @Test
  void resourceExhausted_tooManyOpenCalls_saysWhenToRetry() throws Exception {
    restart(new RpcFixture.Options(false, 8, 64, 1, 1 << 20, true));
    RpcFixture.Hold hold = fixture.holdEngine();
    var running = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("a").build());
    hold.awaitStep();

    StatusRuntimeException end = refusal(Status.Code.RESOURCE_EXHAUSTED, say("b"));

    assertThat(detail(end, RetryInfo.class).hasRetryDelay()).isTrue();
    hold.release();
    assertThat(running.get().getText()).isEqualTo("a");
    until(() -> fixture.server.calls() == 0);
    assertThat(fixture.inference().generateOnce(say("c").build()).getText()).isEqualTo("c");
  }

  @Test
  void resourceExhausted_anAdapterBeyondTheTier_hasAQuotaFailure() {
    restart(new RpcFixture.Options(false, 8, 64, 128, 64, true));

    StatusRuntimeException end = refusal(Status.Code.RESOURCE_EXHAUSTED, with(named("loud")));

    assertThat(detail(end, QuotaFailure.class).getViolations(0).getSubject())
        .isEqualTo("adapter:loud");
  }

  @Test
  void dataLoss_filesThatChangedUnderTheirDigest() throws IOException {
    var unused = fixture.store.get(Caller.PUBLIC, "loud");
    Path weights = folder.resolve("loud").resolve("adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);

    StatusRuntimeException end =
        refused(
            Status.Code.DATA_LOSS,
            () -> fixture.inference().generateOnce(with(named("loud")).build()));

    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("ADAPTER_CORRUPT");
  }

  @Test
  void unimplemented_fields_areNamed() {
    GenerateRequest.Builder regex = say("a");
    regex.getOutputBuilder().getFormatBuilder().setRegex("a+");
    assertUnbuilt("output.format.regex", regex);
    GenerateRequest.Builder schema = say("a");
    schema.getOutputBuilder().getFormatBuilder().setJsonSchema("{}");
    assertUnbuilt("output.format.json_schema", schema);
    GenerateRequest.Builder grammar = say("a");
    grammar.getOutputBuilder().getFormatBuilder().setGrammar("root ::= \"a\"");
    assertUnbuilt("output.format.grammar", grammar);
  }

  private void assertUnbuilt(String field, GenerateRequest.Builder request) {
    ErrorInfo details = detail(refusal(Status.Code.UNIMPLEMENTED, request), ErrorInfo.class);
    assertThat(details.getReason()).isEqualTo("FIELD_NOT_BUILT");
    assertThat(details.getMetadataMap()).containsEntry("field", field);
  }

  @Test
  void unimplemented_methods_areNamed() {
    assertUnbuilt(
        "tributary.v1.Inference/Replay",
        () ->
            fixture
                .inference()
                .replay(ReplayRequest.getDefaultInstance())
                .forEachRemaining(event -> {}));
    assertUnbuilt(
        "tributary.v1.Provenance/GetCheckpoint",
        () ->
            ProvenanceGrpc.newBlockingStub(fixture.channel)
                .getCheckpoint(GetCheckpointRequest.getDefaultInstance()));
  }

  private static void assertUnbuilt(
      String method, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    ErrorInfo details = detail(refused(Status.Code.UNIMPLEMENTED, call), ErrorInfo.class);
    assertThat(details.getReason()).isEqualTo("METHOD_NOT_BUILT");
    assertThat(details.getDomain()).isEqualTo("tributary.v1");
    assertThat(details.getMetadataMap()).containsEntry("method", method);
  }

  @Test
  void unavailable_whileWarmingAndDraining_saysWhenToRetry() throws Exception {
    fixture.close();
    fixture = new RpcFixture(folder);
    StatusRuntimeException warming = refusal(Status.Code.UNAVAILABLE, say("a"));
    assertThat(warming.getStatus().getDescription()).contains("warming");
    assertThat(detail(warming, RetryInfo.class).hasRetryDelay()).isTrue();

    fixture.server.serve();
    RpcFixture.Hold hold = fixture.holdEngine();
    var running = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(3).build());
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
    until(() -> isRefused(Status.Code.UNAVAILABLE));
    hold.release();

    assertThat(running.get().getText()).as("what was taken is finished").isEqualTo("xxx");
    drain.join();
  }

  private boolean isRefused(Status.Code code) {
    try {
      var unused = fixture.inference().getModel(GetModelRequest.getDefaultInstance());
      return false;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == code;
    }
  }

  @Test
  void unavailable_anAnswerCutByTheDrain() throws Exception {
    RpcFixture.Hold hold = fixture.holdEngine();
    var running = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(300).build());
    hold.awaitStep();
    var unused = fixture.engine.drain(Duration.ZERO);
    hold.release();

    StatusRuntimeException end = refused(Status.Code.UNAVAILABLE, () -> result(running));
    assertThat(detail(end, RetryInfo.class).hasRetryDelay()).isTrue();
  }

  @Test
  void internal_tellsAnIdAndNothingElse() {
    fixture.model.onStep =
        () -> {
          throw new IllegalStateException("a secret");
        };

    StatusRuntimeException end =
        refused(Status.Code.INTERNAL, () -> fixture.inference().generateOnce(say("a").build()));

    assertThat(end.getStatus().getDescription()).doesNotContain("secret").contains("logged as");
    assertThat(detail(end, ErrorInfo.class).getMetadataMap()).containsKey("id");
    fixture.model.onStep = () -> {};
    assertThat(fixture.inference().generateOnce(say("a").build()).getText()).isEqualTo("a");
  }
}
