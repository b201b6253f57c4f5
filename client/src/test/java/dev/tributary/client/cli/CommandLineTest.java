package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import dev.tributary.client.FakeServer;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.Model;
import dev.tributary.v1.OutputOptions;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.ScoreResponse;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  @Test
  void generate_withAnAdapter_streamsTextAndSumsUp() {
    CommandRun.Result result = run("generate", "-a", "pirate", "Tell me about rain.");
    assertThat(result.out()).isEqualTo("pirate says: Tell me about rain.\n");
    assertThat(result.err())
        .isEqualTo("[pirate@1 (device), 20 tokens, 125.0 tok/s, first token 85 ms, complete]\n");
    assertThat(result.code()).isZero();
  }

  @Test
  void generate_everyFlag_isInTheRequest() {
    CommandRun.Result result =
        run(
            "generate",
            "-a",
            "pirate@2*0.5",
            "--adapter",
            "acme/haiku@canary",
            "--system",
            "Be brief.",
            "--max-tokens",
            "9",
            "--temperature",
            "0.7",
            "--top-k",
            "40",
            "--top-p",
            "0.9",
            "--min-p",
            "0.05",
            "--repetition-penalty",
            "1.1",
            "--seed",
            "7",
            "--stop",
            "END",
            "--stop",
            "\n\n",
            "--logprobs",
            "0",
            "--repeatable",
            "--request-id",
            "r-1",
            "Hi");
    assertThat(result.code()).isZero();
    assertThat(server.generated)
        .containsExactly(
            GenerateRequest.newBuilder()
                .setRequestId("r-1")
                .setChat(
                    Chat.newBuilder()
                        .addMessages(message("system", "Be brief."))
                        .addMessages(message("user", "Hi")))
                .addAdapters(
                    AdapterSelector.newBuilder().setName("pirate").setNumber(2).setScale(0.5f))
                .addAdapters(AdapterSelector.newBuilder().setName("acme/haiku").setAlias("canary"))
                .setSampling(
                    Sampling.newBuilder()
                        .setMaxTokens(9)
                        .setTemperature(0.7f)
                        .setTopK(40)
                        .setTopP(0.9f)
                        .setMinP(0.05f)
                        .setRepetitionPenalty(1.1f)
                        .setSeed(7)
                        .addStop("END")
                        .addStop("\n\n"))
                .setOutput(OutputOptions.newBuilder().setLogprobs(0))
                .setRepeatable(true)
                .build());
  }

  @Test
  void generate_noFlags_leavesEverythingToTheServer() {
    run("generate", "Hi");
    assertThat(server.generated)
        .containsExactly(
            GenerateRequest.newBuilder()
                .setChat(Chat.newBuilder().addMessages(message("user", "Hi")))
                .setSampling(Sampling.getDefaultInstance())
                .build());
  }

  @Test
  void generate_rawFromStandardInput_isABarePrompt() {
    new CommandRun(server).reading("Once upon\na \u00e9t\u00e9\n").run("generate", "--raw", "-");
    assertThat(server.generated.element().getPrompt()).isEqualTo("Once upon\na \u00e9t\u00e9");
  }

  @Test
  void generate_logprobs_areATableAfterTheText() {
    server.text = "ab";
    assertThat(run("generate", "--logprobs", "2", "x").out())
        .isEqualTo(
            """
            ab
            TOKEN  LOGPROB  MOST PROBABLE
            "a"    -0.250   "t0" -0.500  "t1" -1.500
            "b"    -0.250   "t0" -0.500  "t1" -1.500
            """);
  }

  @Test
  void generate_json_isOneEventALine() throws IOException {
    CommandRun.Result result = run("--json", "generate", "-a", "pirate", "Hi\nthere");
    List<String> lines = result.out().lines().toList();
    assertThat(lines).hasSize(4);
    StringBuilder text = new StringBuilder();
    for (String line : lines) {
      GenerateEvent.Builder event = GenerateEvent.newBuilder();
      JsonFormat.parser().merge(line, event);
      text.append(event.getDelta().getText());
    }
    assertThat(text).hasToString("pirate says: Hi\nthere");
    assertThat(result.err()).isEmpty();
  }

  @Test
  void generate_onAScreen_dimsTheSummaryAndDefusesControls() {
    server.text = "a\u001b[2Jb\u0007\tc\n";
    CommandRun.Result coloured = new CommandRun(server).interactive(true).run("generate", "x");
    assertThat(coloured.out()).isEqualTo("a\ufffd[2Jb\ufffd\tc\n");
    assertThat(coloured.err()).startsWith("\u001b[2m[base, ").endsWith("]\u001b[0m\n");
    CommandRun.Result plain = new CommandRun(server).interactive(false).run("generate", "x");
    assertThat(plain.err()).startsWith("[base, ").endsWith("]\n");
    assertThat(run("generate", "x").out()).isEqualTo(server.text);
  }

  @Test
  void score_completions_isATable() {
    CommandRun.Result result =
        run("score", "--raw", "-a", "pirate", "The capital is", "abc", "d\n");
    assertThat(result.out())
        .isEqualTo(
            """
            LOG P    PER TOKEN  TOKENS  GREEDY  COMPLETION
            -1.5000  -0.5000    3       yes     "abc"
            -1.0000  -0.5000    2       no      "d\\n"
            """);
    assertThat(server.scored.element().getItems(1).getPrompt()).isEqualTo("The capital is");
    assertThat(server.scored.element().getAdapters(0).getName()).isEqualTo("pirate");
    assertThat(result.code()).isZero();
  }

  @Test
  void score_json_isTheResponse() throws IOException {
    ScoreResponse.Builder response = ScoreResponse.newBuilder();
    JsonFormat.parser().merge(run("score", "--json", "x", "abc").out(), response);
    assertThat(response.getScores(0).getTokenLogprobsCount()).isEqualTo(3);
  }

  @Test
  void adaptersList_isATable() {
    CommandRun.Result result = run("adapters", "list");
    assertThat(result.err()).isEqualTo("torn is refused: r: is missing\n");
    assertThat(result.out())
        .isEqualTo(
            """
            NAME        VERSION  ALIASES  TIER     RANK  SIZE    DIGEST
            haiku       1        prod     disk     4     476 kB  0123456789ab
            pirate      1        prod     device   8     4.9 MB  0123456789ab
            acme/empty  -                 -        -     -       -
            torn        -                 refused  -     -       -
            """);
  }

  @Test
  void adaptersList_json_isOneAdapterALine() {
    assertThat(run("adapters", "list", "--json").out().lines()).hasSize(4);
  }

  @Test
  void model_isReadable() {
    assertThat(run("model").out())
        .isEqualTo(
            """
            base           Tiny-Llama
            digest         %s
            family         llama
            context        2048 tokens
            vocabulary     49152 tokens
            weights        99 MB, int4 groups of 32
            device         cpu, Example CPU, 2 threads (avx512_bf16)
            numerics       sha256:%s
            chat template  yes
            rows at once   32
            adapters       8 per request
            messages       up to 4.2 MB
            """
                .formatted(FakeServer.DIGEST, "ab".repeat(32)));
  }

  @Test
  void model_json_isTheMessage() throws IOException {
    Model.Builder model = Model.newBuilder();
    JsonFormat.parser().merge(run("model", "--json").out(), model);
    assertThat(model.getVocabulary()).isEqualTo(49_152);
  }

  @Test
  void digest_ofAFile_isItsSha256(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.gguf");
    Files.writeString(file, "abc");
    String digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertThat(run("digest", file.toString()).out())
        .isEqualTo("base  " + digest + "  " + file + "\n");
    assertThat(run("digest", "--json", file.toString()).out())
        .contains("\"kind\":\"base\"")
        .contains("\"digest\":\"" + digest + "\"");
    assertThat(server.authorizations).isEmpty();
  }

  @Test
  void digest_ofARefusedAdapter_saysTheKey(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("adapter_config.json"),
        "{\"peft_type\":\"LORA\",\"target_modules\":[\"q\"],\"lora_bias\":true}");
    CommandRun.Result result = run("digest", folder.toString());
    assertThat(result.err()).isEqualTo("tributary: lora_bias: is not supported: true\n");
    assertThat(result.code()).isEqualTo(1);
    CommandRun.Result missing = run("digest", folder.resolve("nothing").toString());
    assertThat(missing.err()).startsWith("tributary: there is no file ");
    assertThat(missing.code()).isEqualTo(1);
  }

  @Test
  void failure_isOneLineWithAdvice() {
    server.failure =
        FakeServer.status(
            Status.Code.NOT_FOUND,
            "no adapter \"priate\"",
            com.google.rpc.ResourceInfo.newBuilder()
                .setResourceType("adapter")
                .setResourceName("priate")
                .build());
    CommandRun.Result result = run("generate", "-a", "priate", "x");
    assertThat(result.err())
        .isEqualTo(
            "tributary: no adapter \"priate\". `tributary adapters list` shows what there is\n");
    assertThat(result.out()).isEmpty();
    assertThat(result.code()).isEqualTo(1);
  }

  @Test
  void failure_ofEachKind_saysWhatToDo() {
    server.failure =
        FakeServer.status(
            Status.Code.INVALID_ARGUMENT,
            "bad request",
            BadRequest.newBuilder()
                .addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField("sampling.top_p")
                        .setDescription("must be in (0, 1]"))
                .build());
    assertThat(run("generate", "x").err())
        .isEqualTo("tributary: bad request; sampling.top_p: must be in (0, 1]\n");
    server.failure = FakeServer.status(Status.Code.UNAUTHENTICATED, "no key");
    assertThat(run("model").err()).contains("--api-key-file").contains("TRIBUTARY_API_KEY");
    server.failure =
        FakeServer.status(
            Status.Code.RESOURCE_EXHAUSTED,
            "the queue is full",
            RetryInfo.newBuilder()
                .setRetryDelay(
                    com.google.protobuf.Duration.newBuilder().setNanos(1_500_000_000 / 2))
                .build());
    assertThat(run("model").err()).isEqualTo("tributary: the queue is full. Try again in 0.8 s\n");
    server.failure = FakeServer.status(Status.Code.UNAVAILABLE, "warming");
    assertThat(run("model").err()).isEqualTo("tributary: warming\n");
    assertThat(run("model", "--json").out())
        .isEqualTo(
            "{\"error\":{\"code\":\"UNAVAILABLE\",\"message\":\"warming\",\"details\":[]}}\n");
  }

  @Test
  void apiKey_fromFileOrVariable_isSent(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("key");
    Files.writeString(file, "from-file\n", StandardCharsets.US_ASCII);
    new CommandRun(server).with("TRIBUTARY_API_KEY", "from-variable").run("model");
    new CommandRun(server)
        .with("TRIBUTARY_API_KEY", "from-variable")
        .run("model", "--api-key-file", file.toString());
    run("--api-key-file", file.toString(), "model");
    assertThat(server.authorizations)
        .containsExactly("Bearer from-variable", "Bearer from-file", "Bearer from-file");
    Files.writeString(file, "two words");
    CommandRun.Result result = run("model", "--api-key-file", file.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("API key").doesNotContain("two words");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "frobnicate",
        "generate",
        "generate a b",
        "generate --top-k x y",
        "generate -a @1 y",
        "generate -a a*x y",
        "generate -a a*NaN y",
        "generate --raw --system s y",
        "adapters",
        "score x",
        "digest",
        "model extra",
        "model --tls-cert x",
        "adapters create",
        "adapters upload a",
        "adapters import a",
        "adapters alias a prod",
        "adapters alias a prod x",
        "adapters alias a prod 3=1000001",
        "adapters alias a prod 3=1 --remove",
        "adapters alias a prod --remove --shadow 4=1%",
        "adapters alias a prod 3 --shadow 4",
        "adapters promote a",
        "adapters promote a x",
        "adapters promote a 0",
        "adapters promote a 1 --canary 0",
        "adapters promote a 1 --canary 101",
        "adapters load",
        "adapters load a*2",
        "adapters load a --timeout 0",
        "adapters delete a@prod --yes",
        "adapters delete a@1",
        "adapters watch a*2 --nonsense",
        "admin",
        "admin tenants",
        "admin tenants create",
        "admin tenants create a --weight x",
        "admin tenants create a --adapters 2147483648",
        "admin tenants delete a",
        "admin keys create a",
        "admin keys create a --role king",
        "admin keys create a --role user --expires soon",
        "admin keys rotate",
        "admin quotas set a",
        "admin quotas set a --none --weight 3",
        "admin drain --timeout 100000",
        "completion",
        "completion tcsh",
        "generate --nonsense x"
      })
  void usage_thatMakesNoSense_exitsWithTwo(String line) {
    CommandRun.Result result = run(line.isEmpty() ? new String[0] : line.split(" ", -1));
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err()).containsAnyOf("Usage: tributary", "Did you mean: tributary generate");
    assertThat(result.out()).isEmpty();
    assertThat(server.authorizations).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "generate",
        "chat",
        "score",
        "adapters",
        "adapters list",
        "adapters show",
        "adapters versions",
        "adapters create",
        "adapters upload",
        "adapters import",
        "adapters alias",
        "adapters promote",
        "adapters rollback",
        "adapters load",
        "adapters unload",
        "adapters pin",
        "adapters unpin",
        "adapters watch",
        "adapters delete",
        "admin",
        "admin tenants",
        "admin tenants create",
        "admin keys",
        "admin keys rotate",
        "admin quotas",
        "admin quotas set",
        "admin stats",
        "admin drain",
        "completion",
        "model",
        "digest"
      })
  void helpAndVersion_areEverywhere(String command) {
    String[] words = command.isEmpty() ? new String[0] : command.split(" ", -1);
    CommandRun.Result help = run(with(words, "--help"));
    assertThat(help.code()).isZero();
    assertThat(help.out()).contains("Usage: tributary").contains("--server").contains("--json");
    CommandRun.Result version = run(with(words, "--version"));
    assertThat(version.code()).isZero();
    assertThat(version.out()).matches("tributary [0-9]+\\.[0-9]+.*\n");
  }

  private static String[] with(String[] words, String last) {
    String[] all = java.util.Arrays.copyOf(words, words.length + 1);
    all[words.length] = last;
    return all;
  }

  private static ChatMessage message(String role, String content) {
    return ChatMessage.newBuilder().setRole(role).setContent(content).build();
  }
}
