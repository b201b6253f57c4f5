package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.ScoreRequest;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TributaryClientTest {
  private static final GenerateRequest HANG =
      GenerateRequest.newBuilder().setPrompt(FakeServer.HANG).build();

  private FakeServer server;
  private TributaryClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = TributaryClient.over(server.channel(), ClientOptions.defaults());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void generate_anAnswer_streamsItsEventsInOrder() {
    List<GenerateEvent.EventCase> events = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    try (Answer answer = client.generate(GenerateRequest.newBuilder().setPrompt("hi").build())) {
      answer.forEachRemaining(
          event -> {
            events.add(event.getEventCase());
            text.append(event.getDelta().getText());
          });
    }
    assertThat(events)
        .containsExactly(
            GenerateEvent.EventCase.STARTED,
            GenerateEvent.EventCase.DELTA,
            GenerateEvent.EventCase.DELTA,
            GenerateEvent.EventCase.FINISHED);
    assertThat(text).hasToString("base says: hi");
  }

  @Test
  void close_ofAnAnswer_cancelsItOnTheServer() throws InterruptedException {
    Answer answer = client.generate(HANG);
    assertThat(answer.next().hasStarted()).isTrue();
    answer.close();
    assertThat(server.cancelled.await(30, TimeUnit.SECONDS)).isTrue();
    TributaryException failure =
        catchThrowableOfType(TributaryException.class, () -> answer.forEachRemaining(event -> {}));
    assertThat(failure.code()).isEqualTo(Status.Code.CANCELLED);
  }

  @Test
  void close_ofTheClient_cancelsItsAnswers() throws InterruptedException {
    Answer answer = client.generate(HANG);
    assertThat(answer.hasNext()).isTrue();
    client.close();
    assertThat(server.cancelled.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void unaryCalls_answer() {
    assertThat(client.model().getBaseName()).isEqualTo("Tiny-Llama");
    assertThat(client.generateOnce(GenerateRequest.newBuilder().setPrompt("x").build()).getText())
        .isEqualTo("base says: x");
    assertThat(
            client
                .countTokens(CountTokensRequest.newBuilder().setPrompt("four").build())
                .getPromptTokens())
        .isEqualTo(4);
    ScoreRequest.Builder score = ScoreRequest.newBuilder();
    score.addItemsBuilder().setPrompt("x").setCompletion("ab");
    assertThat(client.score(score.build()).getScores(0).getSum()).isEqualTo(-1);
    assertThat(client.adapter("pirate").getName()).isEqualTo("public/pirate");
  }

  @Test
  void adapters_onSeveralPages_areAllThere() {
    assertThat(client.adapters())
        .extracting(Adapter::getName)
        .containsExactly("public/haiku", "public/pirate", "acme/empty", "public/torn");
  }

  @Test
  void apiKey_isSentAsBearer() {
    client.model();
    try (TributaryClient keyed =
        TributaryClient.over(server.channel(), ClientOptions.defaults().withApiKey("s3cret"))) {
      keyed.model();
      keyed.adapters();
    }
    assertThat(server.authorizations)
        .startsWith("none", "Bearer s3cret")
        .endsWith("Bearer s3cret")
        .hasSize(6);
  }

  @Test
  void options_withAKey_neverShowIt() {
    assertThat(ClientOptions.defaults().withApiKey("s3cret").toString()).doesNotContain("s3cret");
    for (String key : List.of("", "two words", "line\n", "\u00e9")) {
      assertThatThrownBy(() -> ClientOptions.defaults().withApiKey(key))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void failure_withRichDetails_saysThemAll() {
    server.failure =
        FakeServer.status(
            Status.Code.INVALID_ARGUMENT,
            "not like this",
            BadRequest.newBuilder()
                .addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField("sampling.top_p")
                        .setDescription("is 2, must be in (0, 1]"))
                .build(),
            PreconditionFailure.newBuilder()
                .addViolations(
                    PreconditionFailure.Violation.newBuilder()
                        .setSubject("lora_bias")
                        .setDescription("is not supported"))
                .build(),
            QuotaFailure.newBuilder()
                .addViolations(
                    QuotaFailure.Violation.newBuilder()
                        .setSubject("acme")
                        .setDescription("is full"))
                .build(),
            ResourceInfo.newBuilder().setResourceType("adapter").setResourceName("x").build(),
            ErrorInfo.newBuilder().putMetadata("generation_id", "g-7").build(),
            RetryInfo.newBuilder()
                .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(2))
                .build());
    TributaryException failure =
        catchThrowableOfType(TributaryException.class, () -> client.model());
    assertThat(failure).hasMessage("not like this");
    assertThat(failure.code()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(failure.isUnreachable()).isFalse();
    assertThat(failure.details())
        .containsExactly(
            "sampling.top_p: is 2, must be in (0, 1]",
            "lora_bias: is not supported",
            "acme: is full",
            "adapter: x");
    assertThat(failure.info()).containsEntry("generation_id", "g-7");
    assertThat(failure.retryDelay()).isEqualTo(Optional.of(Duration.ofSeconds(2)));
  }

  @Test
  void connect_toNobody_isUnreachable() throws IOException {
    // Port 1 of this machine has no server; the answer is immediate.
    try (TributaryClient nobody =
        TributaryClient.connect("127.0.0.1:1", ClientOptions.defaults())) {
      TributaryException failure = catchThrowableOfType(TributaryException.class, nobody::model);
      assertThat(failure.isUnreachable()).isTrue();
      assertThat(failure.code()).isEqualTo(Status.Code.UNAVAILABLE);
    }
  }

  @Test
  void connect_withUnreadableCertificates_fails(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("ca.pem");
    ClientOptions options = ClientOptions.defaults().withTlsCa(missing);
    assertThatThrownBy(() -> TributaryClient.connect("127.0.0.1:1", options))
        .isInstanceOf(IOException.class);
    Files.writeString(missing, "no certificate");
    assertThatThrownBy(() -> TributaryClient.connect("127.0.0.1:1", options))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("certificate");
  }
}
