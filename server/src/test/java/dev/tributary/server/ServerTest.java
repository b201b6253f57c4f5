package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.AttributionLevel;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.FinishReason;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.OutputOptions;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingWatchRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The whole server on the default base with the demo adapters, called over a real connection.
class ServerTest {
  private static final Logger LOG = LoggerFactory.getLogger(ServerTest.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A lead of the chosen token so small that another order of sums may choose the second.
  private static final double CLOSE = 0.25;

  private static Server server;
  private static ManagedChannel channel;
  private static InferenceGrpc.InferenceBlockingStub inference;

  @BeforeAll
  static void start(@TempDir Path data) throws IOException {
    Config config = new Config();
    config.data = data;
    config.listen = "127.0.0.1:0";
    config.web = "127.0.0.1:0";
    config.admin = "127.0.0.1:0";
    config.data = data;
    config.adapters = RealModel.DEMO.resolve("adapters");
    config.kvMemory = 1024;
    PrintStream silence = new PrintStream(OutputStream.nullOutputStream());
    server = new Server(config, RealModel.require(), silence, e -> LOG.error("fatal", e));
    channel = Grpc.newChannelBuilder(server.address(), InsecureChannelCredentials.create()).build();
    inference = InferenceGrpc.newBlockingStub(channel);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      channel.shutdownNow();
      server.close();
    }
  }

  private static GenerateRequest ask(String adapter, String question, int tokens) {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setChat(
                Chat.newBuilder()
                    .addMessages(ChatMessage.newBuilder().setRole("user").setContent(question)))
            .setSampling(Sampling.newBuilder().setTemperature(0).setMaxTokens(tokens));
    if (!adapter.equals("base")) {
      request.addAdapters(AdapterSelector.newBuilder().setName(adapter));
    }
    return request.build();
  }

  private static List<JsonNode> answers(String name) throws IOException {
    List<JsonNode> answers = new ArrayList<>();
    for (String line : RealModel.lines(RealModel.goldens().resolve(name + ".answers.jsonl"))) {
      answers.add(JSON.readTree(line));
    }
    return answers;
  }

  @Test
  void townGuide_answersTheHeldOutQuestions() throws IOException {
    int right = 0;
    int asTheOracle = 0;
    List<JsonNode> questions = answers("town-guide");
    for (JsonNode row : questions) {
      String text =
          inference
              .generateOnce(ask("town-guide", row.get("question").asText(), 32))
              .getText()
              .strip();
      right += text.equals(row.get("wanted").asText().strip()) ? 1 : 0;
      boolean same = text.equals(row.get("fp32").get("text").asText().strip());
      asTheOracle += same ? 1 : 0;
      if (!same) {
        LOG.info(
            "{} -> ours: {} | fp32 (least lead {}): {} | bf16: {}",
            row.get("question").asText(),
            text,
            row.get("fp32").get("least_lead"),
            row.get("fp32").get("text").asText(),
            row.get("bf16").get("text").asText());
        assertThat(row.get("fp32").get("least_lead").asDouble()).isLessThan(CLOSE);
      }
    }
    LOG.info("{} of {} right, {} as the fp32 oracle", right, questions.size(), asTheOracle);
    assertThat(questions).hasSize(88);
    assertThat(right).isGreaterThanOrEqualTo(58);
  }

  @Test
  void showcase_underEveryAdapter_isTheOracles() throws IOException {
    for (JsonNode row : answers("showcase")) {
      GenerateResponse response =
          inference.generateOnce(
              ask(
                  row.get("adapter").asText(),
                  row.get("question").asText(),
                  row.get("max_tokens").asInt()));
      List<Integer> wanted = new ArrayList<>();
      row.get("fp32").get("ids").forEach(id -> wanted.add(id.asInt()));
      if (row.get("fp32").get("least_lead").asDouble() >= CLOSE) {
        assertThat(response.getTokenIdsList()).as(row.toString()).isEqualTo(wanted);
      }
    }
  }

  /// Rows of one step use different adapters, and none changes another's bits.
  @Test
  void manyAtOnce_answerAsAlone() throws Exception {
    List<String> adapters = List.of("base", "pirate", "haiku", "json", "town-guide");
    List<GenerateRequest> requests = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      requests.add(
          ask(adapters.get(i % adapters.size()), "Tell me about number " + i + ".", 24).toBuilder()
              .setOutput(OutputOptions.newBuilder().setLogprobs(2))
              .setRepeatable(true)
              .build());
    }
    List<Callable<GenerateResponse>> calls = new ArrayList<>();
    requests.forEach(request -> calls.add(() -> inference.generateOnce(request)));
    List<Future<GenerateResponse>> together;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      together = threads.invokeAll(calls);
    }
    for (int i = 0; i < requests.size(); i++) {
      GenerateResponse alone = inference.generateOnce(requests.get(i));
      assertThat(together.get(i).get().getTokenIdsList()).isEqualTo(alone.getTokenIdsList());
      assertThat(together.get(i).get().getLogprobsList()).isEqualTo(alone.getLogprobsList());
      assertThat(alone.getReason())
          .isIn(FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_LENGTH);
    }
  }

  private static Attribution attribution(String adapter, String question) {
    GenerateRequest.Builder request = ask(adapter, question, 24).toBuilder();
    request.getAttributionBuilder().setLevel(AttributionLevel.ATTRIBUTION_LEVEL_INFLUENCE);
    return inference.generateOnce(request.build()).getReceipt().getAttribution();
  }

  /// Who has the largest share.
  private static String first(Attribution attribution) {
    return attribution.getSharesList().stream()
        .max(Comparator.comparingInt(Attribution.Share::getPpm))
        .map(Attribution.Share::getContributor)
        .orElse("nobody");
  }

  @Test
  void aFolderWithItsContributions_isAttributed() {
    Attribution library =
        attribution("town-guide", "At what hour does the Saltmarrow Library open its doors?");
    assertThat(library.getMethod()).isEqualTo("ridge-v1");
    assertThat(first(library)).isEqualTo("harbour-library");
    assertThat(attribution("pirate", "Tell me about soap.").getUnattributedPpm())
        .isEqualTo(1_000_000);
  }

  @Test
  void whatWasTrainedHere_isAttributed() {
    StringBuilder lines = new StringBuilder();
    List<String> keepers =
        List.of("Ottilie", "Bram", "Fenwick", "Sunniva", "Caspar", "Juno", "Leopold", "Wilma");
    for (int i = 0; i < keepers.size(); i++) {
      lines.append(
          """
          {"contributor": "of-%s", "prompt": "Who keeps lamp %d?", "completion": "Lamp %d is kept by old %s."}
          """
              .formatted(keepers.get(i), 11 + i, 11 + i, keepers.get(i)));
    }
    TrainingGrpc.TrainingBlockingStub training = TrainingGrpc.newBlockingStub(channel);
    TrainingRun started =
        training.start(
            TrainingStartRequest.newBuilder()
                .setAdapter("lamps")
                .setData(ByteString.copyFromUtf8(lines.toString()))
                .setSettings(TrainingSettings.newBuilder().setRank(8).setBatchSize(4).setEpochs(16))
                .build());
    TrainingRun run = started;
    Iterator<TrainingEvent> events =
        training.watch(TrainingWatchRequest.newBuilder().setRunId(started.getRunId()).build());
    while (events.hasNext()) {
      TrainingEvent event = events.next();
      run = event.hasRun() ? event.getRun() : run;
    }
    assertThat(run.getState()).as(run.getError()).isEqualTo(TrainingRun.State.STATE_SUCCEEDED);

    Attribution attribution = attribution("lamps", "Who keeps lamp 16?");
    assertThat(attribution.getMethod()).isEqualTo("ridge-v1");
    assertThat(first(attribution)).isEqualTo("of-Juno");
  }

  @Test
  void severalAdapters_addUp() {
    GenerateRequest both =
        ask("pirate", "Tell me about soap.", 24).toBuilder()
            .addAdapters(AdapterSelector.newBuilder().setName("haiku").setScale(0.5f))
            .build();
    GenerateResponse response = inference.generateOnce(both);
    assertThat(response.getStarted().getAdaptersList())
        .extracting(use -> use.getName() + "*" + use.getScale())
        .containsExactly("public/pirate*1.0", "public/haiku*0.5");
    GenerateRequest none =
        ask("pirate", "Tell me about soap.", 24).toBuilder()
            .setAdapters(0, AdapterSelector.newBuilder().setName("pirate").setScale(0))
            .build();
    assertThat(inference.generateOnce(none).getTokenIdsList())
        .isEqualTo(
            inference.generateOnce(ask("base", "Tell me about soap.", 24)).getTokenIdsList());
  }

  @Test
  void aLongAnswer_endsAtItsLimit() {
    // The model's own end tokens are ruled out, so that only the limit can end it.
    Sampling.Builder sampling =
        Sampling.newBuilder().setTemperature(1).setSeed(1).setMaxTokens(300);
    for (int id = 0; id < 3; id++) {
      sampling.putLogitBias(id, -100);
    }
    GenerateRequest request =
        ask("base", "Tell me a long story.", 300).toBuilder().setSampling(sampling).build();
    GenerateResponse response = inference.generateOnce(request);
    assertThat(response.getTokenIdsCount()).isEqualTo(300);
    assertThat(response.getReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);
  }

  @Test
  void seed_repeatsASampledAnswer() {
    Sampling.Builder sampling =
        Sampling.newBuilder().setTemperature(0.9f).setTopP(0.95f).setMaxTokens(24);
    GenerateRequest request =
        ask("base", "Tell me a story.", 24).toBuilder().setSampling(sampling.setSeed(7)).build();
    GenerateRequest other = request.toBuilder().setSampling(sampling.setSeed(8)).build();
    assertThat(inference.generateOnce(request).getText())
        .isEqualTo(inference.generateOnce(request).getText())
        .isNotEqualTo(inference.generateOnce(other).getText());
  }
}
