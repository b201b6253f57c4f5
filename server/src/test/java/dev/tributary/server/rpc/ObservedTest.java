package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.tributary.server.metrics.VersionFigures;
import dev.tributary.server.metrics.VersionKey;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ScoreRequest;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the metrics say of calls.
@Timeout(60)
class ObservedTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = new RpcFixture(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  /// The sum of all series of this name and these labels.
  private double value(String name, String... labels) {
    return fixture
        .metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith(name + "{"))
        .filter(line -> List.of(labels).stream().allMatch(line::contains))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private static GenerateRequest.Builder loud(String line) {
    return say(line).addAdapters(AdapterSelector.newBuilder().setName("loud"));
  }

  @Test
  void answers_areCountedByTenantAdapterAndOutcome() {
    fixture.server.serve();
    GenerateResponse answer = fixture.inference().generateOnce(loud("one").build());
    fixture.inference().generateOnce(say("two").build());
    fixture.inference().generateOnce(sayMuch(3).build());
    fixture.inference().generate(say("four").build()).forEachRemaining(event -> {});

    String loud = "adapter=\"public/loud\"";
    assertThat(value("tributary_answers_total", loud, "tenant=\"public\"", "outcome=\"stop\""))
        .isEqualTo(1);
    assertThat(value("tributary_answers_total", "adapter=\"base\"", "outcome=\"stop\""))
        .isEqualTo(2);
    assertThat(value("tributary_answers_total", "outcome=\"length\"")).isEqualTo(1);
    assertThat(value("tributary_generation_tokens_total", loud))
        .isEqualTo(answer.getUsage().getCompletionTokens());
    assertThat(value("tributary_prompt_tokens_total", loud))
        .isEqualTo(answer.getUsage().getPromptTokens());
    assertThat(value("tributary_time_to_first_token_seconds_count", loud)).isEqualTo(1);
    assertThat(value("tributary_inter_token_latency_seconds_count", loud))
        .isEqualTo(answer.getUsage().getCompletionTokens() - 1);
    assertThat(value("tributary_adapter_leases_total", "tier=\"disk\"")).isEqualTo(1);
    assertThat(value("tributary_requests_total", "Inference/GenerateOnce", "code=\"OK\""))
        .isEqualTo(3);
    AdapterUse use = answer.getStarted().getAdapters(0);
    VersionFigures figures =
        fixture
            .metrics
            .versions()
            .of(new VersionKey("public", "loud", use.getVersion(), use.getDigest()));
    assertThat(figures.answers()).isEqualTo(1);
    assertThat(figures.meanCompletionTokens()).isEqualTo(answer.getUsage().getCompletionTokens());
  }

  @Test
  void anEchoedPrompt_isNotGenerated() {
    fixture.server.serve();
    GenerateRequest.Builder request = sayMuch(3);
    request.getOutputBuilder().setEcho(true);
    fixture.inference().generateOnce(request.build());
    assertThat(value("tributary_generation_tokens_total")).isEqualTo(3);
  }

  @Test
  void scoresAndOtherCalls_areCounted() {
    fixture.server.serve();
    fixture
        .inference()
        .score(
            ScoreRequest.newBuilder()
                .addItems(ScoreRequest.Item.newBuilder().setPrompt("a").setCompletion("bc"))
                .build());
    fixture.adapterService().listAdapters(ListAdaptersRequest.getDefaultInstance());

    assertThat(value("tributary_answers_total", "outcome=\"done\"")).isEqualTo(1);
    assertThat(value("tributary_prompt_tokens_total")).isEqualTo(3);
    assertThat(value("tributary_requests_total", "Adapters/ListAdapters", "code=\"OK\""))
        .isEqualTo(1);
  }

  @Test
  void rejections_sayWhy() {
    refused(Status.Code.UNAVAILABLE, () -> fixture.inference().generateOnce(say("early").build()));
    fixture.server.serve();
    refused(
        Status.Code.NOT_FOUND,
        () ->
            fixture
                .inference()
                .generateOnce(
                    say("x").addAdapters(AdapterSelector.newBuilder().setName("none")).build()));
    GenerateRequest twice = say("x").setRequestId("r").build();
    fixture.inference().generateOnce(twice);
    refused(Status.Code.ALREADY_EXISTS, () -> fixture.inference().generateOnce(twice));

    assertThat(value("tributary_rejections_total", "reason=\"UNAVAILABLE\"")).isEqualTo(1);
    assertThat(value("tributary_rejections_total", "reason=\"NOT_FOUND\"")).isEqualTo(1);
    assertThat(value("tributary_rejections_total", "reason=\"REQUEST_ID_SEEN\"")).isEqualTo(1);
  }

  @Test
  void aCancelledCall_leavesNothingBehind() {
    fixture.server.serve();
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> call =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(loud("long").build());
    hold.awaitStep();
    assertThat(value("vllm:lora_requests_info", "running_lora_adapters=\"public/loud\""))
        .isPositive();
    call.cancel(true);
    hold.release();

    until(() -> value("tributary_answers_total", "outcome=\"cancelled\"") == 1);
    until(() -> value("vllm:lora_requests_info", "running_lora_adapters=\"\"") > 0);
    assertThat(value("tributary_requests_total", "code=\"CANCELLED\"")).isEqualTo(1);
  }

  @Test
  void aDeadline_isToldFromACancellation() {
    fixture.server.serve();
    // Classes are loaded by now, so that the deadline does not pass before the call is made.
    fixture.inference().generateOnce(say("first").build());
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> call =
        InferenceGrpc.newFutureStub(fixture.channel)
            .withDeadlineAfter(2, TimeUnit.SECONDS)
            .generateOnce(say("x").build());
    hold.awaitStep();
    assertThat(call).failsWithin(Duration.ofSeconds(30));
    hold.release();
    until(() -> value("tributary_requests_total", "code=\"DEADLINE_EXCEEDED\"") == 1);
    assertThat(value("tributary_requests_total", "code=\"CANCELLED\"")).isZero();
  }
}
